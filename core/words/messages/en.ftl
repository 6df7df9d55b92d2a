### Every sentence of the page, in English.
###
### Write for somebody who has never heard of a block or a peer, and see docs/glossary.md for the words.
### A build compiles these: see core/words/src/message.rs. $variables are filled in, and { $count -> … }
### chooses by number or word.

## Everywhere

broke-off =
    A part of this page broke off ({ $why }). Look whether it is done, and try again; if it breaks again, reload the page.
silent = A part of this page does not answer. Look whether it is done, and try again; if it stays silent, reload the page.
copy-this = Copy the { $what }
copy = Copy
copied = Copied
copy-by-hand = Copying is not possible here; select the text and copy it
no-time = no time
your-time-zone = your time zone
rate-mega = { $rate } MH/s
rate-kilo = { $rate } kH/s
rate = { $rate } H/s
took-ms = { $time } ms
took-s = { $time } s
in-span = in { $span }
ago-span = { $span } ago
seconds = { $count ->
    [one] 1 second
   *[other] { $count } seconds
}
minutes = { $count ->
    [one] 1 minute
   *[other] { $count } minutes
}
hours = { $count ->
    [one] 1 hour
   *[other] { $count } hours
}
days = { $count ->
    [one] 1 day
   *[other] { $count } days
}
go-home = Go to your elections

## The frame

skip = Skip to the content
screens = Screens
more = More
nav-vote = Vote
nav-results = Results
nav-organise = Organise
nav-chain = Chain
nav-verify = Verify
nav-network = Network
nav-about = About
nav-elections = Home
nav-create = Create
nav-keys = Keys
switch-theme = Switch between light and dark
broke-for-good = The part of this page that keeps the votes broke off again and again ({ $why }). Load the page again; what was stored is kept.
broke-restarts = The part of this page that keeps the votes broke off and is started again from what is stored ({ $why }).
clock-behind = Another computer has a block that is dated { $span } ahead of this device's clock. If date or time are wrong here, put them right: with a slow clock this page cannot follow the election.
stale = This page was updated on the server.
load-it = Load the new one

## The state of this tab, at the foot of the page

state-label = State of this tab
state-connected = Connected
state-starting = starting
state-searching = looking for this election
state-none-open = no election is open
state-verifying = verifying what is stored
online-alone = connected, nobody else is here yet
online = { $peers ->
    [one] connected, 1 other here
   *[other] connected, { $peers } others here
}
offline = not connected: your votes stay here and are sent later
fetching = fetching block { $height } of { $target }
at-block = at block { $height }
at-block-claim = at block { $height }, another computer claims { $claim }
in-sync = in sync at block { $height }
at-block-as-far = { $peers ->
    [one] at block { $height }, as far as 1 other says
   *[other] at block { $height }, as far as { $peers } others say
}
no-votes-yet = no votes yet
no-votes-here-yet = no votes here yet
votes-verified = { $votes ->
    [one] the one vote verified here
   *[other] all { $votes } votes verified here
}
mining-at = recording votes, { $rate }
mining-ready = ready
mining-elsewhere = ready in another tab
mining-off = mining off
state-sealed = sealed at block { $height }
state-seal-awaited = sealed at a block that is not here yet
state-contested = the result is contested
state-refuted = the seal does not hold
state-memory = nothing is kept when this tab closes

## While no election is open

opening-title = Opening the election
opening-words = What is stored in this browser is read and verified.
searching-title = Looking for the election
searching-words = This browser does not know it yet, so other computers are asked for it.
roll-pages-label = Pages of the voter roll
roll-pages = Voter roll: { $have } of { $all } pages here.
asking-label = Asking other computers
searching-no-relay = Since { $since } no connection came about. Check your connection to the internet; this page goes on trying.
searching-nobody = Since { $since } nobody is here who has the election. Leave this page open, and tell whoever sent you the link: their page, or a keeper, has to be there.
searching-asked = { $peers ->
    [one] Since { $since } 1 other computer is asked; it has not sent the election yet. Leave this page open, or ask whoever sent you the link.
   *[other] Since { $since } { $peers } other computers are asked; none has sent the election yet. Leave this page open, or ask whoever sent you the link.
}
link-broken-title = This link does not work

## The paper

choose-one = Choose one.
choose-exactly = Choose exactly { $most }.
choose-from-to = Choose { $least } to { $most }.
choose-first = Choose first.
your-answer = Your answer
answers-so-far = Answers so far
blank = Blank
write-in = Your own words
write-in-choice = Something else
opens-at = opens { $time } ({ $fromnow })
closes-at = closes { $time } ({ $fromnow })
no-closing-time = no closing time
closed-at = closed { $time } ({ $fromnow })
closed-and-sealed = closed and sealed
details = Details
not-open-yet = Voting has not begun. Nothing is lost: come back when it does.
closed-words = Voting closed { $time }. The result stays open to everyone.
sealed-words = Voting is over, and the result is final. It stays open to everyone.
cast-your-vote = Cast your vote
change-your-vote = Change your vote
storing = Storing your vote…
may-change = You can change your vote until voting closes.
cannot-change = Your vote cannot be changed afterwards.
not-cast = Your vote was not cast: { $why }
how-it-works = How your vote is counted
how-open = Anyone can vote here: whoever uses an unused number first has it.
how-codes = { $count ->
    [one] The organiser made 1 voting code. Whoever has it can vote with it, so keep yours to yourself. The organiser could use it too.
   *[other] The organiser made { $count } voting codes. Whoever has one can vote with it, so keep yours to yourself. The organiser could use them too.
}
how-keys = { $count ->
    [one] 1 voter votes with a key of their own: nobody else can vote in your place, not even the organiser.
   *[other] { $count } voters vote with keys of their own: nobody else can vote in your place, not even the organiser.
}
how-public = Ballots are public. Votes are listed under a number instead of your name; the organiser can tell which number is yours.
how-you-are-listed = You vote as number { $token }.
your-number = Your number
number-range = Your number is a whole number from { $lowest } to { $highest }.
number-free = not used yet
your-code = Your voting code
code-stays = The code never leaves this device.
code-good = Valid code, not used yet
key-good = Valid key, not used yet
key-unsure = Valid key. If you voted before, wait: { $why }.
code-unsure = Valid code. If you voted before, wait: { $why }.
voted-already = You voted already: “{ $voted }”. Voting again replaces it.
checking = checking…
your-key = Your key
your-keys = Your keys
no-key = There is no key in this browser: make one, or bring yours, under “Your keys”.
key-passphrase = Passphrase of the key
key-locked = The key is locked: type its passphrase.
vote-again-number = Vote with another number
vote-again-change = Change my vote, or vote with another code
vote-again-code = Vote with another code
vote-again-key = Vote with another key
your-votes = Your votes on this device
your-votes-label = Earlier votes
vote-listed = Number { $token }: “{ $choice }”
vote-pending = not recorded yet
vote-unknown = not known here at the moment
vote-lost = does not count: another vote took its place
vote-after-seal = recorded after the seal: it does not count
vote-replaced = replaced by a later vote of yours
vote-recorded = recorded

## The receipt

receipt = Receipt
you-voted = You voted “{ $choice }”
save-complaint = Save the complaint
refuted-result = A result was signed that does not fit the votes; it binds nobody.
step-by-step = Step by step
at-time = { $time }
step-here = Cast on this device
step-opened = opened from its receipt
step-others = Received by others
step-nobody-yet = no other computer said so yet
step-others-said = { $count ->
    [one] 1 other computer said so
   *[other] { $count } other computers said so
}
step-recorded = Recorded
step-recorded-at = in block { $height }, { $time }
step-replaced = replaced since
step-after-seal = after the seal
step-not-yet = not yet
step-confirmed = Confirmed by later votes
step-confirmed-none = none yet
step-confirmed-by = { $count ->
    [one] 1 block
   *[other] { $count } blocks
}
step-final = Final
step-final-yes = the result is sealed
step-final-without = the sealed result does not have this vote
step-final-later = after voting has closed
is-done = (done)
is-not-yet = (not yet)
proof-good = Checked: your vote is in the record.
your-number-is = Number
vote-id = Vote id
vote-id-of = vote id
block = Block
block-hash-of = block hash
download = Download
print = Print
receipt-qr = QR code of this receipt's address
receipt-how = Open this receipt in any browser, by its file, its QR code or its address: it checks itself again. Anyone who sees it can see how you voted.
receipt-address = Address of this receipt
dropped = It was recorded in block { $height }, and the chain was reorganised. { $then ->
   *[other] {""}
    [again] This page sent it again by itself, and it is recorded again.
    [waits] This page sent it again by itself; it is being recorded again. Keep the page open.
    [lost] It could not be sent again: the election is closed or sealed. Tell the organiser.
}
two-ballots = Two different ballots were signed with this code or key; the proof is kept beside the result. If the other one is not yours, tell the organiser: somebody else has it.

## Checking a vote

check-my-vote = Check my vote
vote-id-or-address = Address of a receipt, or vote id
vote-id-alone = This is a vote id alone: open its election first, or take the whole address of the receipt.
no-vote-id = There is no receipt in this. Take its whole address, or the vote id, which has 64 digits from 0 to 9 and a to f.
qr-by-camera = Your phone's camera reads the QR code and opens its address.
look-it-up = Look it up
open-receipt-file = Open a receipt file
looking-up = Looking it up…
vote-not-found = This page does not know such a vote.
vote-not-found-then = If it was cast a moment ago, or this page is not in sync yet, wait: it looks again by itself. With the receipt itself (its file, or the address behind its QR code) this page can send the vote again. Otherwise compare the vote id with your receipt, and make sure that this is the right election.

## The start page

home-title = Votes that everybody can check
home-vote = Vote
home-link = Link you were sent
home-open = Open
home-code-alone = This is a voting code. It needs its election: open the link that came with it, and type the code there.
home-no-link = There is no election in this. Copy the whole link, or type the short address, 8 letters and digits such as K7QF-2M9X.
home-check = Check a vote
home-organise = Organise
home-organise-words = Ask a question, invite voters, and publish a result that everybody can check.
home-create = Create an election
home-elections = Your elections
home-organise-this = organise
home-verify = Verify an audit file
home-keys = Make a voter's key
home-demo = Look around in the demo election
state-of-election = { $state ->
   *[open] open
    [upcoming] upcoming
    [closed] closed
    [sealed] final
    [contested] contested
}
opens-from-now = opens { $fromnow }
closes-from-now = closes { $fromnow }
no-such-page = There is no such page

## A short address

short-title = Looking for { $address }
short-asking = Asking keepers
short-nobody = Keepers are asked which election has this short address. None answers yet: check that you are on the page that your slip names, or open the election's whole link.
short-asked = { $count ->
    [one] 1 keeper is here and is asked which election has this short address.
   *[other] { $count } keepers are here and are asked which election has this short address.
}
short-unknown = { $count ->
    [one] 1 keeper answered, and knows no election with this short address. Compare it with your slip, letter by letter.
   *[other] { $count } keepers answered, and know no election with this short address. Compare it with your slip, letter by letter.
}
short-several = More than one election has this short address. Open the one whose question is on your slip.

## The result

turnout-voters = Turnout { $share } %: { $voted } of { $all ->
    [one] 1 voter
   *[other] { $all } voters
} voted
turnout-numbers = Turnout { $share } %: { $voted } of { $all ->
    [one] 1 number
   *[other] { $all } numbers
} used
count-label = Count
sealed-result = Final result
count-closed = Count after closing
count-so-far = Count so far
show-bars = Show bars
show-table = Show as table
no-votes-counted = No vote is recorded yet. The first one shows here as soon as it is.
votes-by-choice = Votes by choice
choice = Choice
votes-heading = Votes
share-heading = Share
share = { $share } %
blank-count = Blank: { $count ->
    [one] 1 ballot
   *[other] { $count } ballots
}.
several-shares = A ballot may have several choices, so the shares add up to more than 100 %.
counted-here = Counted by your own device from { $votes ->
    [one] 1 vote
   *[other] { $votes } votes
} in { $blocks ->
    [one] 1 block
   *[other] { $blocks } blocks
}.
counted-last = { $voters ->
    [one] 1 vote is counted, one for each voter: the last.
   *[other] { $voters } votes are counted, one for each voter: the last.
}
not-counted-yet = { $count ->
    [one] 1 vote is not recorded yet, and not counted.
   *[other] { $count } votes are not recorded yet, and not counted.
}
how-to-check-label = How to check it
how-to-check = How anyone can check it
fact-election = Election
fact-newest = Newest block
fact-hash = Its hash
fact-sealed-at = Sealed at block
fact-seal = Seal
fact-organiser = Organiser's key
of-election = election id
of-tip = tip hash
of-seal = seal id
of-organiser = organiser's key
check-with = Get the audit file under Verify, and check it there in another browser or with { $command }: definition, voter roll, proofs of work, signatures, seal and count, without trusting anybody. Compare the hashes above.
print-result = Print this result
seal-awaited = The organiser sealed a result over a block that is not here yet. What is counted below may change.
seal-good = Final: sealed by the organiser at block { $height }. Your own device checked the seal's signature, block and count.
seal-refuted = Contested: the organiser signed a seal over another count than the chain has. It binds nobody.
seal-contested = Contested: the organiser signed two seals that differ, over block { $one } and over block { $other }. Both are kept as proof; neither binds.
left-out = The organiser left out { $count ->
    [one] 1 vote
   *[other] { $count } votes
}: “{ $reason }”
double-votes = Double votes
double-votes-words = { $count ->
    [one] 1 voter signed two different ballots. The proof is two signatures that anyone can check; it is kept beside the chain and in the audit file.
   *[other] { $count } voters signed two different ballots. Each proof is two signatures that anyone can check; it is kept beside the chain and in the audit file.
}
double-number = Number { $token }
double-ballots = “{ $first }” { $one }; “{ $second }” { $other }

## Verifying

verify-title = Verify it yourself
verify-words = This tab checked every vote when it came in. It can do all of it again, from the first block on, and say what it checked. Nobody else is asked.
verify-again = Verify everything again
verifying = Verifying…
verification = Verification
download-audit = Download the audit file
audit-is-for = The audit file has everything. Anyone can check it here, or with the command { $command }.
verify-file-title = Verify an audit file
verify-file-words = One file has an election whole: definition, voter roll, every block and vote, proofs of double votes, the organiser's seal. Your own device checks all of it.
choose-audit = Choose an audit file
add-complaint = Add a complaint
complaint-chosen = { $name } is judged by the audit file that you choose next.
or-drop = or drop it here. It is read in this tab and sent nowhere; no network is needed.
outcome-word = { $outcome ->
   *[reached] NOT REACHED
    [pass] PASS
    [warn] WARN
    [fail] FAIL
    [under-way] UNDER WAY
    [skipped] SKIPPED
}
done-in = { $verdict } Done by your own device in { $took }.
figures = To compare with someone else's
figures-label = Figures to compare
its-id = Its id
voters-counted = Voters counted
verified-so-far = Verified so far
verified-part = { $percent } %: { $blocks ->
    [one] 1 block
   *[other] { $blocks } blocks
}, { $votes ->
    [one] 1 vote
   *[other] { $votes } votes
}
of-votes = { $count ->
    [one] 1 vote
   *[other] { $count } votes
}
of-ballots = { $count ->
    [one] 1 ballot
   *[other] { $count } ballots
}
fact-blank = Blank

## The chain

chain-title = The chain
chain-words = Every block has the hash of the one before it. Change a vote anywhere, and every block above it breaks.
pending-votes = { $count ->
    [one] 1 vote is in no block yet
   *[other] { $count } votes are in no block yet
}
older-blocks = Show older blocks
older-in-file = Older blocks are in the audit file: see Verify.
block-number = Block { $height }
first-block = the election
block-line = { $time } · { $votes ->
    [one] 1 vote
   *[other] { $votes } votes
}
fork = A fork: { $count ->
    [one] 1 block
   *[other] { $count } blocks
} of the same height did not make it ({ $hashes }).
no-proof = The first block follows from the election itself and needs no proof of work.
proof-zeros = The proof: { $zeros ->
    [one] 1 leading zero
   *[other] { $zeros } leading zeros
}, found by trying about { $tries } nonces.
votes-of-block = Votes of this block
number-heading = Number
answer-heading = Answer
first-votes = The first { $shown } of { $all } votes. The rest is in the audit file.
of-hash = hash

## The network

network-title = Network
network-words = The relay only forwards. It can drop or delay, never forge: everything it brings is verified here.
relays = Relays
relay-connected = connected
relay-connecting = connecting
relay-away = not connected: { $why }. This tab keeps trying.
relay-remove = Remove
relay-remove-this = Remove the relay { $url }
relay-add-label = Follow another relay too
relay-add = Add
relay-why = One relay alone could hide a better chain from this tab. With two, the newest blocks of both are compared, and the better chain wins. A relay can refuse pages of other addresses; its operator can allow them.
peers = Peers
peers-none = none heard of yet
peers-heard = { $count } heard of
other-tabs = Other tabs of this browser
other-tabs-none = none
other-tabs-heard = { $count } heard of; they agree without a relay too
sync = Sync
sync-claim = at block { $height }; a peer claims block { $claim }, which is not shown to be better yet
sync-unsure = { $peers ->
    [one] at block { $height }, as far as 1 peer says; it handed out nothing yet
   *[other] at block { $height }, as far as { $peers } peers say; none handed out anything yet
}
sync-alone = at block { $height }; no peer to compare with
blocks-fetched = Blocks fetched
work-in-chain = Work in the chain
about-hashes = about { $count } hashes
peers-rejected = Peers rejected
rejected-last = { $count }, the last because: { $why }
mining = Mining
mine-here = Mine in this tab
mining-now = Hashing now, { $rate }. A block takes about { $tries } tries.
mining-rests = Resting: all votes received are recorded.
mining-other-tab = Another tab of this browser mines. Switch it on here to mine in both.
mining-is-off = Off. Votes then wait until somebody else mines.
mining-workers = Workers
mining-found = { $count ->
    [one] 1 block found by this tab.
   *[other] { $count } blocks found by this tab.
} Half the processors is the default; mining needs power only while a vote is in no block.
storage = Storage
storage-promised = The browser promised not to clear it by itself.
storage-not-promised = The browser may clear it when space is short; the chain then comes back from peers.
storage-here = The chain and the votes that are in no block yet are kept in this browser.
storage-other-tab = Another tab of this browser keeps the chain; this one adds the votes that you cast here.
storage-none = Nothing is kept when this tab closes: { $why }. Voting works all the same as long as the tab is open or a peer has the vote.
build-number = Build { $build }

relay-address = A relay's address looks like wss://relay.example.org/ws.
relay-followed = This tab follows that relay already.
relay-too-many = A tab follows four relays besides its own; remove one first.
relay-insecure = This page came over https: browsers then reach relays over wss:// only.

## Keys of voters

keys-title = Your keys
keys-words = With a key of your own nobody else can vote in your place, not even the organiser. Make it here, give the organiser the public half, and vote in this browser; the secret half stays here.
key-make = Make a key
key-making = Making the key…
key-name = Name for it, for yourself
key-passphrase-optional = Passphrase (optional)
key-passphrase-hint = With one the key is stored encrypted in this browser, and you are asked for it when you vote. If you forget it, the key is lost: nobody can reset it.
key-from-file = Bring one from a file
key-here-already = This key is in this browser already.
key-not-kept = This browser refuses to keep the key: leave the private window, or allow storage.
key-number = Key { $number }
key-public = Public half, for the organiser
key-public-what = public half
key-is-locked = The secret half is encrypted with your passphrase.
key-is-open = The secret half is stored in this browser, not encrypted.
key-download = Download for another device
key-forget = Forget
key-forget-sure = Forget this key? Without its file nobody can ever vote with it again.
key-qr = QR code of the public half
passphrase-again = The passphrase again
passphrase-short = { $length ->
    [one] The passphrase has 1 letter; take at least { $least }, or none.
   *[other] The passphrase has { $length } letters; take at least { $least }, or none.
}
passphrases-differ = The two passphrases differ: with a typo nobody could ever unlock it.

## Creating an election

create-title = Create an election: { $step ->
   *[0] question
    [1] ballot
    [2] time
    [3] voters
    [4] keepers
    [5] preview
}
create-steps = Steps
create-step = { $step ->
   *[0] Question
    [1] Ballot
    [2] Time
    [3] Voters
    [4] Keepers
    [5] Preview
}
create-back = Back
create-next = Next
create-publish = Publish
create-publishing = Publishing…
create-kept = The draft is kept in this browser; nothing leaves it before you publish.
create-not-kept = This browser refuses to keep the draft: finish it before you close the tab.
not-published = It was not published. { $why }
keys-made-label = Keys made
keys-made = { $done } of { $all } keys made
save-file-title = Save your organiser's file
save-file-words = The election is published, but its organiser's file does not fit into this browser's storage. Save it now: without it nobody can hand out the codes, close or seal.
save-file = Save the file
save-file-done = I have it: go on
save-file-then = On the next page open the file again.
draft-question = Question
draft-details = Details (optional)
draft-choices = Choices
draft-free-text = Without choices voters write free text.
draft-choice = Choice { $number }
draft-remove = Remove choice { $number }
draft-add = Add a choice
draft-move = { $way ->
   *[up] Move choice { $number } up
    [down] Move choice { $number } down
}
draft-kind = Kind of ballot
draft-one = Voters choose one
draft-several = Voters may choose several
draft-least = At least
draft-most = At most
draft-blank = Allow a blank answer
draft-write-in = Allow a write-in
draft-zone = Times are in your time zone, { $zone }; voters see them in theirs.
draft-opens = Opens (leave empty to open now)
draft-closes = Closes (leave empty to close it yourself)
draft-who = Who may vote
draft-codes = Voting codes (you hand them out)
draft-codes-words = As links, QR codes or slips of paper. You make them, so voters have to trust you not to use them.
draft-keys = Voters' own keys
draft-keys-words = Each voter makes a key and sends you the public half. Nobody else can vote in their place, not even you.
draft-anyone = Anyone
draft-anyone-words = No list of voters: anyone can vote, also twice. For quick polls only.
draft-highest = Numbers go from 1 to
draft-count = Number of codes
draft-list = Or a list of voters, one in each line, no heading (CSV; names never leave this browser)
draft-key-list = Public keys, one in each line; names beside them are welcome (CSV; names never leave this browser)
draft-load = Load a file…
draft-last = Voters can change their vote while the election is open: the last one counts
keepers-words = A keeper is a computer that is always there: it hands the election to everybody who comes, takes their votes, and signs that it has them. It cannot change or forge a vote. Anybody can run one under any name: choose those whose operator you know.
keepers-on-relays = Keepers you can reach
keepers-unbounded = Keepers do not take an election in which anyone can vote without end: give a highest number in the step before.
keepers-none = No keeper answers. The election then lives only while somebody has its page open, and nobody can tell a voter before the seal that a vote was received.
keepers-asking = Asking…
keeper-silent = does not answer at the moment
keepers-chosen = { $count ->
   *[0] Without a keeper no receipt is certain before you have sealed the result.
    [1] A vote counts as received when this keeper has it.
    [other] A vote counts as received when two of these { $count } keepers have it: one of them may be wrong.
}
preview-words = This is what voters will see. Try it: nothing is cast.
preview-open = open now, until you close it
preview-opens = opens { $opens }, until you close it
preview-closes = closes { $closes }
preview-both = opens { $opens }, closes { $closes }
preview-code = Each voter types a code such as { $code }, or opens a link with it.
organiser-passphrase-new = Protect your organiser's file with a passphrase (optional)
organiser-passphrase-hint = The file has the key that closes and seals, the codes and the names. It is stored in this browser, encrypted if you set a passphrase.
preview-final = After publishing, neither the text nor the voters can be changed.
kept-by = { $there } will keep it.
kept-by-some = { $there } will keep it. { $away }: no answer at the moment.
kept-by-none = { $away }: no answer at the moment. After publishing, keep the page open until a keeper has the election.

## Organising

organiser-passphrase = Passphrase of your organiser's file
organise-title = Organise
organise-bring = This browser does not organise this election. If it is yours, bring your organiser's file.
organise-open-file = Open the organiser's file
organise-unlock = Unlock
organise-other-file = This is the organiser's file of another election.
organise-sealed = Sealed at block { $height }.
organise-contested = Contested: see the result.
organise-seal-awaited = Sealed, over a block that is not here yet.
organise-closed = Closed { $time }; not sealed yet.
organise-closed-early = Closed { $time } by you; not sealed yet.
organise-not-open = Not open yet.
organise-open-until = Open; closes { $time } ({ $fromnow }).
organise-open = Open until you close it.
organise-closing = Closing…
organise-is-closed = The election is closed: no votes are taken any more.
invite-title = Invite your voters
invite-link = The election's link, the same for everybody
invite-link-what = link
invite-short = In short, to type, once a keeper has it
invite-codes = { $count ->
    [one] 1 voting code: the voter gets it as a link, a QR code or on a slip of paper. It is made from your organiser's file; nobody else can make it.
   *[other] { $count } voting codes: each voter gets one, as a link, a QR code or on a slip of paper. They are made from your organiser's file; nobody else can make them.
}
invite-slips = Codes and slips to print
invite-csv = Download them as CSV
invite-qr = QR code of the election's link
invite-local = This link and the codes' links lead to this very computer: nobody else can open them. For others, run a relay under an address that they can reach, and open this page there.
keeper-refuses = { $name } does not keep this election: { $why }.
kept-nobody = Keep this page open. If it is closed and nobody else is online, new voters cannot open the election. A server running Blockvote removes this need: download the audit file below, and run { $command }.
kept-waiting = Waiting for { $names }. Keep this page open until a keeper has the election.
kept-all = { $count ->
    [one] { $names } has this election: you may close this page.
   *[other] { $names } have this election: you may close this page.
}
kept-some = { $count ->
    [one] { $names } has this election: you may close this page.
   *[other] { $names } have this election: you may close this page.
} { $missing } did not answer yet and will be asked while it is open.
organise-turnout-title = Turnout and result
organise-turnout-of = { $voted } of { $all ->
    [one] 1 voter
   *[other] { $all } voters
} voted. { $pending ->
   *[0] All votes received are recorded.
    [one] 1 vote is not recorded yet.
    [other] { $pending } votes are not recorded yet.
}
organise-turnout = { $voted ->
    [one] 1 voter
   *[other] { $voted } voters
} voted. { $pending ->
   *[0] All votes received are recorded.
    [one] 1 vote is not recorded yet.
    [other] { $pending } votes are not recorded yet.
}
organise-close = Close the election now
organise-close-sure = Close the election now? No votes are taken any more; those received are still recorded. It cannot be opened again.
organise-seal = Seal the result
organise-result = Result page to print
organise-files = Files
organise-file = Download your organiser's file
organise-again = Duplicate
organise-files-words = The audit file is for everybody. The organiser's file is private: it has what closes and seals, and the codes if there are any; for here, another device, or the command line. Keep a copy: if this browser forgets it, nobody can seal.
replace-draft = There is a draft of another election in this browser. Replace it?
csv-voter = voter { $number }
csv-code = code
csv-link = link

## Slips

slips-title = Voting codes
slips-words = Whoever has a code can vote with it: hand out each to one voter, and do not leave them lying about.
slips-print = Print the slips
slips-before = Before
slips-of = Slips { $first } to { $last } of { $all }
slips-show = Show the codes
slips-making = Making the codes…
slip-for = for { $name }
slip-how = Scan the square, or open the address below and type the letters and digits above.
slip-closes = Closes { $time }.
slip-qr = QR code of the voter's link

## Sealing

seal-title = Seal the result
seal-back = Back to organising
seal-starting = This page is starting.
seal-done = Sealed: the votes up to block { $height } and their count are final.
seal-save-audit = Save the audit file
seal-already = There is a seal already.
seal-see-result = See the result
seal-needs-file = This needs the organiser's file: open it where you organise.
seal-here-so-far = What is here so far
seal-words = It cannot be taken back. What you sign is what this tab verified and counted; a second seal over other votes would contest the first.
seal-open-until-closed = Voting goes on until you close it.
seal-open-until = Voting goes on until { $time }. Close it first, or wait.
seal-from = Votes that were cast in time may still be on their way: the result can be sealed from { $time } on.
seal-other-tab = Another tab of this browser has this election open and stores it. Seal there, or close that tab first.
seal-what = What the result will be
seal-voters = Voters
seal-votes = Votes
seal-who-else = Who else is here
seal-wait = If you can, wait.
seal-why-unlisted = Reason for leaving out votes
seal-public-reason = Everybody can read the reason beside the result.
seal-why-pending = { $count ->
    [one] 1 vote is in no block yet and would be left out. Why?
   *[other] { $count } votes are in no block yet and would be left out. Why?
}
seal-better-wait = Everybody can read the reason beside the result. Better: wait until they are in a block.
seal-better-count = Everybody can read the reason beside the result. Better: count all votes, wait until they are in a block, and leave out again.
seal-reason-wrong = The reason { $why }.
seal-anyway = Seal all the same: votes that others have could be missing
seal-say-so = Say that you want this, or wait.
sealing = Sealing…
connections = Connections
connections-none = none: this tab cannot know whether others have more
connections-sure = { $count }; nobody claims a better chain than this tab has
connections-unsure = { $count }; whether they have more is not known yet
keeper-line = { $list }; { $compared }
keeper-not-compared = what it has was not compared with what is here yet
keeper-same = at { $time } it had no vote that is not here
keeper-more = { $count ->
    [one] at { $time } it had 1 vote that was not here
   *[other] at { $time } it had { $count } votes that were not here
}
list-none = its closing list has not been heard of
list-more = { $count ->
    [one] acknowledged 1 vote in time: more than are here
   *[other] acknowledged { $count } votes in time: more than are here
}
list-good = { $count ->
    [one] acknowledged 1 vote in time
   *[other] acknowledged { $count } votes in time
}
list-two = signed closing lists that contradict each other: its word counts for nothing
late = Came after closing
late-votes = { $count ->
    [one] 1 vote: not counted unless a keeper shows that it had it in time
   *[other] { $count } votes: not counted unless a keeper shows that it had them in time
}
still-fetching = Still fetching
still-fetching-words = a peer claims a better chain than this tab has
list-shown = { $name } has shown { $shown } of { $all } votes of its closing list.
in-time = In time
in-time-words = every vote in the chain is on a keeper's closing list
unlisted = On no keeper's closing list: { $count ->
    [one] 1 vote
   *[other] { $count } votes
} in the chain.
unshown = No whole closing list: { $names }. Votes that were received there in time may be among these.
unlisted-words = Such votes may have come after closing, or in time from voters who reached no keeper. They count unless you leave them out; the blocks are then built again without them.
leave-out = { $how ->
   *[plain] { $count ->
        [one] Leave out 1 vote
       *[other] Leave out { $count } votes
    }
    [anyway] { $count ->
        [one] Leave out 1 vote all the same
       *[other] Leave out { $count } votes all the same
    }
}
built-so-far = { $count ->
    [one] Left out of the chain: 1 vote. Blocks built again: { $made } of { $all }.
   *[other] Left out of the chain: { $count } votes. Blocks built again: { $made } of { $all }.
}
built = { $count ->
    [one] Left out of the chain: 1 vote.
   *[other] Left out of the chain: { $count } votes.
}
count-all = Count all votes
handed-nobody = Nobody says yet that they have the sealed result. Keep this page open, or save the audit file before you close it.
handed-connections = { $count ->
    [one] 1 connection says that it has the sealed result; it may be another tab of this browser. Save the audit file before you close this page.
   *[other] { $count } connections say that they have the sealed result; other tabs of this browser may be among them. Save the audit file before you close this page.
}
handed-keepers = { $count ->
    [one] { $names } says that it has the sealed result: you may close this page.
   *[other] { $names } say that they have the sealed result: you may close this page.
}

## About

about-title = What this is
about-words = Votes kept in one central place can be forged, knocked over or lost. Blockvote keeps them in a chain that everyone who votes has and verifies. This page checks every block and every vote itself, and helps to record them.
about-promised = What is promised
about-not-promised = What is not
promise-only-the-voter = Only the voter votes
promise-only-the-voter-words = In an election with a voter roll each vote is signed, and every tab checks the signature. Nobody can vote for another, whatever they mine, relay or host.
promise-no-second-vote = No second vote
promise-no-second-vote-words = A token counts once. Two different ballots signed with one key are kept as a proof that everyone sees.
promise-no-silent-change = No silent change
promise-no-silent-change-words = The chain with the most voters counts, so computing power cannot take a vote out of it. In a quick poll without a list of voters the chain with the most work counts. A receipt that is open sounds the alarm and casts its vote again.
promise-received = A vote that was received is counted, or you can prove that it was not
promise-received-words = An election can name keepers: computers that never sleep and sign which votes they received. A vote that one of them had in time and that the sealed result lacks is a complaint that anybody can check. Without a keeper nothing is certain before the seal, and your receipt says so.
promise-count = A count that anyone recomputes
promise-count-words = Your tab counts the votes itself, from the first block on. So does every other. One audit file is enough to check an election years later, with the network off.
promise-a-final-result = A final result
promise-a-final-result-words = The organiser's seal makes the chain up to a block final for every node. Votes that it leaves out are named with a reason. A second seal over other votes is kept as proof, and the result is shown as contested.
promise-it-outlives-the = It outlives the relay
promise-it-outlives-the-words = The relay only forwards. When it is gone, votes wait in the tabs; any other relay can take its place.
no-a-secret-ballot = A secret ballot
no-a-secret-ballot-words = Ballots are public. A token is a pseudonym: whoever knows which number is yours knows your vote, and so does whoever sees your receipt.
no-a-stolen-code = A stolen code or key
no-a-stolen-code-words = Whoever has it can vote with it. Voting codes were made by the organiser, who could use them; keys that voters made themselves only they can use.
no-who-is-on = Who is on the roll
no-who-is-on-words = The organiser decides who may vote, and could put invented voters on the roll. The chain shows how many keys there are, not who holds them.
no-who-may-use = Who may use a number
no-who-may-use-words = In an open election anybody can use any unused number: the first vote with it counts.
no-equal-miners = Equal miners
no-equal-miners-words = Whoever has most of the hash power can delay votes, past the closing time too, and prefer one of two votes of one voter. It can never make up a vote.
no-your-machine = Your machine
no-your-machine-words = If the browser or the page you loaded is not what you think it is, neither is what it shows. Compare the tip's hash with someone else's, or use the command line.

## What the workers of the page say

as-said = { $text }
link-names-none = The link names no election: { $why }.
election-broken = The election is broken: { $why }.
no-election-open = no election is open
broken-off = it was broken off
no-form = the answer has no form that can be sent
other-build = it is of another build
build-newer = the relay has a newer build of this page
worker-refused = the browser refused it
worker-silent = it does not answer
worker-again = it was started again
page-left = the page was left
not-in-roll = { $what ->
   *[code] this code is not on the voter roll of this election; it may belong to another one
    [key] this key is not on the voter roll of this election; it may belong to another one
}
is-open-election = in this election anyone can vote: vote with a number
number-used = number { $token } has already voted
code-used = this code was used: a vote with it was cast already
key-used = a vote with this key was cast already
tab-fetching = this page is still fetching the votes
tab-alone = nobody else is here to compare with
key-is-closed = the key is locked
no-number = a number is missing
selection-wrong = the selection { $why }
receipt-invalid = the vote in this receipt is not valid in this election
no-such-vote = this tab does not have the vote
organiser-key-broken = the organiser's key is broken
seal-elsewhere = another tab of this browser has this election open and stores it: seal there, or close that tab first
seal-other-chain = the chain is another than the one you saw: look at it again, then seal
seal-other-pending = other votes are in no block than you saw: look again, then seal
not-a-file = that is not a file
no-short-address = the election's short address cannot be computed here
organiser-locked = the organiser's file is locked: type its passphrase
election-not-kept = this browser refuses to keep the election ({ $why }): leave the private window, or allow storage
node-broke = the part of this page that keeps the votes broke off ({ $why }): look whether it is done, and try again
node-silent = the part of this page that keeps the votes does not answer: look whether it is done, and try again
store-failed = the browser could not store the chain ({ $why })
store-unread = the stored chain cannot be read ({ $why })
store-refused = the browser refuses storage ({ $why })
counts = counts
counts-not = is in the chain and does not count
not-in-chain = is not in the chain
header-block = Block
header-hash = Hash
header-before = Block before
header-root = Votes root
header-made = Made at
header-difficulty = Difficulty
header-voters = Voters so far
header-votes = Votes so far
header-eased = Times eased
header-nonce = Nonce
header-version = Version
