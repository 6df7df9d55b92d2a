// A client in another language, written from docs/protocol.md and docs/format.md: enough of it to
// speak to the relay, to mine a block and to be a keeper, honest or not.
import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import WebSocket from "ws";

const sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const u16 = (n) => { const b = Buffer.alloc(2); b.writeUInt16LE(n); return b; };
const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32LE(n); return b; };
const u64 = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(n)); return b; };
const text = (s) => Buffer.concat([u32(Buffer.byteLength(s)), Buffer.from(s)]);
const list = (items) => Buffer.concat([u32(items.length), ...items]);

/** Reads a value from its beginning to its end; bytes that are missing or left over make it invalid. */
function read(bytes, value) {
  let at = 0;
  const next = (size) => {
    if (at + size > bytes.length) throw new Error("ends too early");
    at += size;
    return bytes.subarray(at - size, at);
  };
  const from = {
    bytes: next,
    u8: () => next(1)[0],
    u16: () => next(2).readUInt16LE(),
    u32: () => next(4).readUInt32LE(),
    u64: () => Number(next(8).readBigUInt64LE()),
    text: () => next(from.u32()).toString(),
    list: (entry) => Array.from({ length: from.u32() }, entry),
    option: (some) => (from.u8() ? some() : null),
  };
  const found = value(from);
  if (at < bytes.length) throw new Error("has bytes left over");
  return found;
}

/** An Ed25519 key of 32 bytes: `public` and `sign`. */
export function key(seed) {
  const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const secret = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  const spki = createPublicKey(secret).export({ format: "der", type: "spki" });
  return { public: spki.subarray(-32), sign: (message) => sign(null, message, secret) };
}

/** Whether a key, given by its 32 bytes, signed a message. */
function holds(key, message, signature) {
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), key]);
  return verify(null, message, createPublicKey({ key: der, format: "der", type: "spki" }), signature);
}

/** A public key in text. */
export const keyText = (key) =>
  `bvk1${key.toString("hex")}${sha256(Buffer.from("blockvote key\0\0\0"), key).toString("hex").slice(0, 8)}`;

/** The key that a voting code stands for. */
export const keyOfCode = (code) =>
  key(sha256(Buffer.from("blockvote code\0\0"), Buffer.from(code.replaceAll("-", ""))));

/** A vote for a choice, by index, or for a free text; signed where a key is given. */
export function vote(election, token, ballot, { sequence = 0, key } = {}) {
  const encoded = typeof ballot === "number"
    ? Buffer.concat([Buffer.from([1]), u32(1), Buffer.from([ballot, 0])])
    : Buffer.concat([Buffer.from([0]), text(ballot)]);
  const said = Buffer.concat([election, u64(token), Buffer.from([sequence]), encoded]);
  const id = sha256(Buffer.from("blockvote vote\0\0"), said);
  const message = Buffer.concat([Buffer.from("blockvote sign\0\0"), id]);
  const right = key ? Buffer.concat([Buffer.from([1]), key.sign(message)]) : Buffer.from([0]);
  return { id, sequence, bytes: Buffer.concat([said, right]) };
}

/** A closing, signed by whoever holds the key. */
export function closing(election, at, key) {
  const said = Buffer.concat([election, u64(at)]);
  const signature = key.sign(Buffer.concat([Buffer.from("blockvote close\0"), said]));
  return Buffer.concat([Buffer.from([1]), said, signature]);
}

function root(leaves) {
  if (leaves.length === 1) return leaves[0];
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(Buffer.from([1]), root(leaves.slice(0, split)), root(leaves.slice(split)));
}
/** The siblings of a leaf from below. */
function path(leaves, index) {
  if (leaves.length === 1) return [];
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return index < split ? [...path(left, index), root(right)] : [...path(right, index - split), root(left)];
}
/** The root that a path leads to, as RFC 9162 verifies it in section 2.1.3.2; none where it does not fit. */
function rootOf(leaf, { index, leaves, siblings }) {
  let [at, last, hash] = [index, leaves - 1, leaf];
  if (at > last) return null;
  for (const sibling of siblings) {
    if (last === 0) return null;
    if (at % 2 === 1 || at === last) {
      hash = sha256(Buffer.from([1]), sibling, hash);
      while (at % 2 === 0 && at !== 0) [at, last] = [at >> 1, last >> 1];
    } else {
      hash = sha256(Buffer.from([1]), hash, sibling);
    }
    [at, last] = [at >> 1, last >> 1];
  }
  return last === 0 ? hash : null;
}
const leafOf = (bytes) => sha256(Buffer.from([0]), bytes);
export const votesRoot = (votes) => root(votes.map((vote) => leafOf(vote.bytes)));

/** An election's id, closing time and keepers, from its definition. */
export const readElection = (bytes) => read(bytes, (from) => {
  from.u16(); // version
  from.text(); // title
  from.text(); // description
  from.list(from.text); // choices
  from.bytes(2 + 2 + 1 + 1 + 1); // least, most, blank, write-in, counting
  if (from.u8() === 0) from.option(from.u64); // Open
  else from.bytes(32 + 4 + 1); // Roll
  from.option(from.u64); // opens
  const closes = from.option(from.u64);
  from.u64(); // created
  from.option(() => from.bytes(32)); // organiser
  const keepers = from.list(() => ({ name: from.text(), key: from.bytes(32) }));
  from.bytes(8 + 8); // starting difficulty, block spacing
  return { id: sha256(Buffer.from("blockvote electn"), bytes), closes, keepers };
});

const called = (election, challenge, asker) =>
  Buffer.concat([Buffer.from("blockvote rollca"), election, challenge, asker]);

/** Present: the answer to `asker`'s roll-call by whoever holds the key, or says so with another `name`. */
export const present = (election, challenge, asker, key, { name = key.public } = {}) =>
  Buffer.concat([Buffer.from([21]), name, key.sign(called(election, challenge, asker))]);

/** The keeper of this election that answered `asker`'s challenge, if one did. */
export const whoIsPresent = (message, { id, keepers }, challenge, asker) => read(message, (from) => {
  from.u8();
  const [key, signature] = [from.bytes(32), from.bytes(64)];
  return keepers.find((named) => named.key.equals(key) && holds(key, called(id, challenge, asker), signature));
});

const received = ({ election, vote, at }) =>
  Buffer.concat([Buffer.from("blockvote acknow"), election, vote, u64(at)]);

/** An acknowledgement; `name` says that another keeper signed it, `ids` are those of a closing list. */
export function acknowledgement(election, vote, at, key, { name = key.public, ids } = {}) {
  const signature = key.sign(received({ election, vote, at }));
  const said = Buffer.concat([election, vote, u64(at), name, signature]);
  if (!ids) return Buffer.concat([said, Buffer.from([0])]);
  const index = ids.findIndex((id) => id.equals(vote));
  const proof = [u32(index), u32(ids.length), list(path(ids.map(leafOf), index))];
  return Buffer.concat([said, Buffer.from([1]), ...proof]);
}
export const acknowledged = (signed) => Buffer.concat([Buffer.from([23]), list(signed)]);
export const rollCall = (challenge) => Buffer.concat([Buffer.from([20]), challenge]);
export const getElection = Buffer.from([1]);
export const getAcknowledged = (ids) => Buffer.concat([Buffer.from([22]), list(ids)]);
export const readGetAcknowledged = (message) => read(message, (from) => {
  from.u8();
  return from.list(() => from.bytes(32));
});

/** What an Acknowledged message holds. */
export const readAcknowledged = (message) => read(message, (from) => {
  from.u8();
  return from.list(() => ({
    election: from.bytes(32), vote: from.bytes(32), at: from.u64(), keeper: from.bytes(32),
    signature: from.bytes(64),
    proof: from.option(() => ({
      index: from.u32(), leaves: from.u32(), siblings: from.list(() => from.bytes(32)),
    })),
  }));
});

const listed = ({ election, votes, root }) =>
  Buffer.concat([Buffer.from("blockvote clolst"), election, u32(votes), root]);

/** A closing list of these votes, in ascending order of their ids. */
export function closingList(election, ids, key) {
  const said = { election, votes: ids.length, root: root(ids.map(leafOf)) };
  const message = listed(said);
  return Buffer.concat([Buffer.from([3]), message.subarray(16), key.public, key.sign(message)]);
}

/** The closing lists in a message with these and closings alone. */
export const readClosingLists = (message) => read(message, (from) => {
  from.u8();
  const statements = from.list(() => {
    const variant = from.u8();
    if (variant === 1) return from.bytes(32 + 8 + 64) && null;
    if (variant !== 3) throw new Error("neither a closing nor a closing list");
    return {
      election: from.bytes(32), votes: from.u32(), root: from.bytes(32), keeper: from.bytes(32),
      signature: from.bytes(64),
    };
  });
  return statements.filter(Boolean);
});

/** Whether a keeper of this election signed a closing list or an acknowledgement. */
export function isSigned(said, { id, keepers }) {
  const message = said.vote ? received(said) : listed(said);
  const named = keepers.some(({ key }) => key.equals(said.keeper));
  return named && said.election.equals(id) && holds(said.keeper, message, said.signature);
}

/** Whether an acknowledgement is worth something, where these are the closing lists of its keeper. */
export function isInTime({ at, vote, proof }, { closes }, lists) {
  if (lists.length > 1 || (closes !== null && at >= closes)) return false;
  return lists.every(({ votes, root }) =>
    proof?.leaves === votes && rootOf(leafOf(vote), proof)?.equals(root) === true);
}

/** What a block after `parent` must state; the floor is 2^16, the spacing 10 s. */
export function demand(parent, timestamp) {
  const gap = BigInt(timestamp - parent.timestamp_ms);
  const counted = gap < 50_000n ? gap : 50_000n;
  let difficulty = (BigInt(parent.difficulty) * (90_000n - counted) + 79_999n) / 80_000n;
  if (difficulty < 65_536n) difficulty = 65_536n;
  const wanted = gap > 120_000n ? (gap - 120_000n) / 10_000n : 0n;
  const possible = BigInt((difficulty / 65_536n).toString(2).length - 1);
  return { difficulty, easing: wanted < possible ? wanted : possible };
}

function encodeHeader(h) {
  return Buffer.concat([
    u32(h.height), h.previous, h.root, u64(h.timestamp), u64(h.difficulty),
    u32(h.voters), u32(h.votes), u64(h.nonce), u16(3), Buffer.from([Number(h.easing)]),
  ]);
}
const hashOf = (bytes) => sha256(Buffer.from("blockvote header"), bytes);
const meets = (hash, required) => BigInt(`0x${hash.toString("hex")}`) * required < 1n << 256n;

/** Mines a block on `parent` (as `/api/v1/blocks` gives it) and may change it before or after. */
export function mine(parent, votes, { before = () => {}, after = () => {}, proof = true } = {}) {
  const timestamp = Math.max(Date.now(), parent.timestamp_ms);
  const header = {
    height: parent.index + 1, previous: Buffer.from(parent.hash, "hex"), root: votesRoot(votes),
    timestamp, ...demand(parent, timestamp), nonce: 0n,
    voters: parent.voters_in_all + votes.filter((vote) => vote.sequence === 0).length,
    votes: parent.votes_in_all + votes.length,
  };
  before(header);
  const required = header.difficulty >> BigInt(header.easing);
  while (meets(hashOf(encodeHeader(header)), required) !== proof) header.nonce += 1n;
  const block = { header: encodeHeader(header), votes, fields: header };
  after(block);
  return block;
}

/** A block that was mined here, as `mine` takes its parent. */
export const asParent = ({ header, fields }) => ({
  index: fields.height, hash: hashOf(header).toString("hex"), timestamp_ms: fields.timestamp,
  difficulty: fields.difficulty, voters_in_all: fields.voters, votes_in_all: fields.votes,
});

const shortIds = (block) => list(block.votes.map((vote) => vote.id.subarray(0, 8)));

const encodeBlock = (block) =>
  Buffer.concat([block.header, list(block.votes.map((vote) => vote.bytes))]);

/** Joins the room of an election, serves the blocks that it announces, and answers roll-calls for `keeper`. */
export class Peer {
  static async join(relay, election, { keeper } = {}) {
    const socket = new WebSocket(`ws://${relay.address}/ws`, "blockvote.1");
    const peer = new Peer();
    Object.assign(peer, { socket, room: election, keeper, blocks: new Map(), heard: [], waiting: [] });
    await new Promise((resolve, reject) => {
      socket.on("error", reject);
      socket.on("message", (data) => {
        if (data[0] === 0) {
          peer.name = data.subarray(1, 9);
          socket.send(Buffer.concat([Buffer.from([0]), election]));
        }
        if (data[0] === 1) resolve();
        if (data[0] === 2) peer.#note("peers");
        if (data[0] === 3 || data[0] === 4) peer.#hear(data.subarray(33, 41), data.subarray(41));
      });
    });
    return peer;
  }

  #hear(from, message) {
    if (message[0] === 5) { // GetBlocks
      const block = this.blocks.get(message.subarray(5, 37).toString("hex"));
      if (block) this.send(from, Buffer.concat([Buffer.from([6]), list([encodeBlock(block)])]));
    }
    if (message[0] === 3 && this.branch) { // GetHeaders
      this.send(from, Buffer.concat([Buffer.from([4]), list(this.branch.map((block) => block.header))]));
    }
    if (message[0] === 24) { // GetShortBlocks
      const asked = [];
      for (let at = 5; at < message.length; at += 32) asked.push(this.blocks.get(message.subarray(at, at + 32).toString("hex")));
      const blocks = asked.map((block) => Buffer.concat([block.header, shortIds(block)]));
      this.send(from, Buffer.concat([Buffer.from([25]), list(blocks)]));
    }
    if (message[0] === 18) { // GetBlockVotes
      const hash = message.subarray(1, 33);
      const wanted = [];
      for (let at = 37; at < message.length; at += 4) wanted.push(message.readUInt32LE(at));
      const votes = wanted.map((index) => this.blocks.get(hash.toString("hex"))?.votes[index].bytes);
      this.send(from, Buffer.concat([Buffer.from([19]), hash, list(votes)]));
    }
    if (message[0] === 20 && this.keeper) { // RollCall
      this.send(from, present(this.room, message.subarray(1), from, this.keeper));
    }
    this.#note(message[0], from, message);
  }

  #note(number, from, message) {
    const index = this.waiting.findIndex((waits) => waits.number === number);
    if (index < 0) this.heard.push({ number, from, message });
    else this.waiting.splice(index, 1)[0].resolve({ from, message });
  }

  /** The first message of this number that was not taken yet, here or still to come. */
  async next(number) {
    const index = this.heard.findIndex((heard) => heard.number === number);
    if (index >= 0) return this.heard.splice(index, 1)[0];
    return new Promise((resolve) => this.waiting.push({ number, resolve }));
  }

  /** Sends a question to one peer; the answer has this number. */
  ask(to, payload, number) {
    this.send(to, payload);
    return this.next(number);
  }

  /** Waits until the relay handled what was sent, and what it had for this peer is here. */
  flush() {
    this.socket.send(Buffer.concat([Buffer.from([4]), this.room, Buffer.from([1])]));
    return this.next("peers");
  }

  send(to, payload) {
    this.socket.send(Buffer.concat([Buffer.from([3]), this.room, to, payload]));
  }

  broadcast(payload) {
    this.socket.send(Buffer.concat([Buffer.from([2]), this.room, payload]));
  }

  /** NewBlock: the header and the beginnings of the vote ids. */
  announce(block) {
    this.blocks.set(hashOf(block.header).toString("hex"), block);
    this.broadcast(Buffer.concat([Buffer.from([8]), block.header, shortIds(block)]));
  }

  /** Tells a peer that its chain is the first block and these, and serves them. */
  claim(to, branch) {
    this.branch = branch;
    for (const block of branch) this.blocks.set(hashOf(block.header).toString("hex"), block);
    const { header, fields } = branch.at(-1);
    const work = branch.reduce((sum, block) => sum + (block.fields.difficulty >> BigInt(block.fields.easing)), 0n);
    const nothing = Buffer.alloc(32);
    this.send(to, Buffer.concat([
      Buffer.from([0]), u16(6), hashOf(header), u32(fields.height), u32(fields.voters), u32(fields.votes),
      u64(work), u64(0), u32(fields.votes), nothing, Buffer.from([0]), nothing, Buffer.from([0]),
    ]));
  }

  /** Votes, for everybody or for one peer. */
  votes(votes, to) {
    const message = Buffer.concat([Buffer.from([7]), list(votes.map((vote) => vote.bytes))]);
    if (to) this.send(to, message);
    else this.broadcast(message);
  }

  evidence(statements) {
    this.broadcast(Buffer.concat([Buffer.from([16]), list(statements)]));
  }

  leave() {
    this.socket.close();
  }
}
