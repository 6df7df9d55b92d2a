// A client in another language, written from docs/protocol.md and docs/format.md: enough of it to
// speak to the relay and to mine a block, honest or not.
import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
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

/** An Ed25519 key of 32 bytes: `public` and `sign`. */
export function key(seed) {
  const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const secret = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  const spki = createPublicKey(secret).export({ format: "der", type: "spki" });
  return { public: spki.subarray(-32), sign: (message) => sign(null, message, secret) };
}

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
export const votesRoot = (votes) => root(votes.map((vote) => sha256(Buffer.from([0]), vote.bytes)));

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
  const block = { header: encodeHeader(header), votes };
  after(block);
  return block;
}

const list = (items) => Buffer.concat([u32(items.length), ...items]);
const encodeBlock = (block) =>
  Buffer.concat([block.header, list(block.votes.map((vote) => vote.bytes))]);

/** Joins the room of an election and serves the blocks that it announces. */
export class Peer {
  static async join(relay, election) {
    const socket = new WebSocket(`ws://${relay.address}/ws`, "blockvote.1");
    const peer = new Peer();
    Object.assign(peer, { socket, room: election, blocks: new Map(), asked: [] });
    await new Promise((resolve, reject) => {
      socket.on("error", reject);
      socket.on("message", (data) => {
        if (data[0] === 0) socket.send(Buffer.concat([Buffer.from([0]), election]));
        if (data[0] === 1) resolve();
        if (data[0] === 4) peer.#direct(data.subarray(33, 41), data.subarray(41));
      });
    });
    return peer;
  }

  #direct(from, message) {
    this.asked.push(message[0]);
    if (message[0] === 5) { // GetBlocks
      const block = this.blocks.get(message.subarray(5, 37).toString("hex"));
      if (block) this.send(from, Buffer.concat([Buffer.from([6]), list([encodeBlock(block)])]));
    }
    if (message[0] === 18) { // GetBlockVotes
      const hash = message.subarray(1, 33);
      const wanted = [];
      for (let at = 37; at < message.length; at += 4) wanted.push(message.readUInt32LE(at));
      const votes = wanted.map((index) => this.blocks.get(hash.toString("hex"))?.votes[index].bytes);
      this.send(from, Buffer.concat([Buffer.from([19]), hash, list(votes)]));
    }
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
    const ids = block.votes.map((vote) => vote.id.subarray(0, 8));
    this.broadcast(Buffer.concat([Buffer.from([8]), block.header, list(ids)]));
  }

  votes(votes) {
    this.broadcast(Buffer.concat([Buffer.from([7]), list(votes.map((vote) => vote.bytes))]));
  }

  evidence(statements) {
    this.broadcast(Buffer.concat([Buffer.from([16]), list(statements)]));
  }

  leave() {
    this.socket.close();
  }
}
