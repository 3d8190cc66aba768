// The outbox: events on disk, in order, until they have been delivered and
// their effects are safe. Segments are files of lines "<seq> <event>\n", named
// by their first seq. Written without fsync: it survives the end of a process,
// however that ends, but not a power cut.

import fs from 'node:fs';
import path from 'node:path';

const SEGMENT = 16 << 20;
const CHUNK = 1 << 20;
const NEWLINE = 10;
const SPACE = 0x20;

export class Outbox {
  #dir;
  #segments; // [{first, file, size}], the last one is appended to
  #fd;
  #mark; // descriptor of the file that tells whether a statement is under way
  #position; // where the next read begins: {segment index by first, offset}
  #next; // the number of the event there

  /** The last event's number; numbers begin with 1 and have no gaps. */
  seq = 0;
  /** Events up to here are never delivered again. */
  checkpoint = 0;
  /** Called after each append. */
  onAppend = () => {};

  constructor(dir) {
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.#dir = dir;
    this.checkpoint = this.#readCheckpoint();
    this.#segments = fs
      .readdirSync(dir)
      .filter((f) => /^\d{16}\.events$/.test(f))
      .sort()
      .map((f) => ({ first: Number(f.slice(0, 16)), file: path.join(dir, f), size: fs.statSync(path.join(dir, f)).size }));
    if (this.#segments.length === 0) this.#segments.push(this.#segment(this.checkpoint + 1));
    this.#repair();
    this.#fd = fs.openSync(this.#last.file, 'a', 0o600);
    this.#mark = fs.openSync(path.join(dir, 'running'), fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
    this.#trim();
    this.rewind(this.checkpoint);
  }

  get #last() {
    return this.#segments[this.#segments.length - 1];
  }

  #segment(first) {
    return { first, file: path.join(this.#dir, `${String(first).padStart(16, '0')}.events`), size: 0 };
  }

  #readCheckpoint() {
    try {
      return JSON.parse(fs.readFileSync(path.join(this.#dir, 'checkpoint.json'), 'utf8')).checkpoint;
    } catch (err) {
      if (err.code === 'ENOENT') return 0;
      throw err;
    }
  }

  // #repair cuts off a line that a killed process left half written, and finds
  // the last event's number.
  #repair() {
    const last = this.#last;
    this.seq = last.first - 1;
    if (last.size === 0) return;
    const text = fs.readFileSync(last.file);
    const end = text.lastIndexOf(NEWLINE) + 1;
    if (end < text.length) fs.truncateSync(last.file, end);
    last.size = end;
    for (let at = text.indexOf(NEWLINE); at >= 0; at = text.indexOf(NEWLINE, at + 1)) this.seq++;
  }

  /** Whether a process ended while a statement was running: its events may be missing. */
  interrupted() {
    const b = Buffer.alloc(1);
    return fs.readSync(this.#mark, b, 0, 1, 0) === 1 && b[0] === 0x31;
  }

  /** Marks that a statement is under way, until end. */
  begin() {
    fs.writeSync(this.#mark, '1', 0);
  }

  end() {
    fs.writeSync(this.#mark, '0', 0);
  }

  /** Adds documentChanged events, given as the members that differ. */
  append(txn, events) {
    this.#write(events.map((e) => `{"txnId":${txn},"type":"documentChanged",${e}}`));
  }

  /** Adds an event that asks for everything to be read again. */
  requery(txn) {
    this.#write([`{"txnId":${txn},"type":"requeryRequired","documents":[]}`]);
  }

  #write(events) {
    if (this.#last.size >= SEGMENT) this.#rotate();
    let text = '';
    for (const e of events) text += `${++this.seq} ${e}\n`;
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += fs.writeSync(this.#fd, bytes, at);
    this.#last.size += bytes.length;
    this.onAppend();
  }

  #rotate() {
    fs.closeSync(this.#fd);
    this.#segments.push(this.#segment(this.seq + 1));
    this.#fd = fs.openSync(this.#last.file, 'a', 0o600);
  }

  /** The number of the event that the next read begins with. */
  get next() {
    return this.#next;
  }

  /** Moves the reader to just after event seq. */
  rewind(seq) {
    const i = Math.max(0, this.#segments.findLastIndex((s) => s.first <= seq + 1));
    this.#position = { segment: this.#segments[i], offset: 0 };
    this.#next = this.#segments[i].first;
    while (this.#next <= seq && this.read(1, 0).length > 0);
  }

  /**
   * The next events, at most count and, beyond the first, bytes in all:
   * [{seq, json}], json being a Buffer. Empty when there are none.
   */
  read(count, bytes) {
    const out = [];
    let total = 0;
    while (out.length < count) {
      const line = this.#readLine();
      if (!line) break;
      const space = line.indexOf(SPACE);
      const json = line.subarray(space + 1);
      total += json.length;
      if (out.length > 0 && total > bytes) break;
      out.push({ seq: Number(line.toString('latin1', 0, space)), json });
      this.#position.offset += line.length + 1;
      this.#next = out.at(-1).seq + 1;
    }
    return out;
  }

  #chunk = { segment: null, from: 0, bytes: Buffer.alloc(0) };

  // #readLine returns the line at the position, without moving it.
  #readLine() {
    for (;;) {
      const { segment, offset } = this.#position;
      if (offset >= segment.size) {
        const next = this.#segments[this.#segments.indexOf(segment) + 1];
        if (!next) return undefined;
        this.#position = { segment: next, offset: 0 };
        continue;
      }
      const c = this.#chunk;
      if (c.segment === segment && offset >= c.from && offset < c.from + c.bytes.length) {
        const at = offset - c.from;
        const end = c.bytes.indexOf(NEWLINE, at);
        if (end >= 0) return c.bytes.subarray(at, end);
        if (at === 0) this.#load(segment, offset, c.bytes.length * 2);
        else this.#load(segment, offset, CHUNK);
      } else {
        this.#load(segment, offset, CHUNK);
      }
    }
  }

  #load(segment, offset, length) {
    const fd = fs.openSync(segment.file, 'r');
    try {
      const bytes = Buffer.alloc(Math.min(length, segment.size - offset));
      const n = fs.readSync(fd, bytes, 0, bytes.length, offset);
      this.#chunk = { segment, from: offset, bytes: bytes.subarray(0, n) };
    } finally {
      fs.closeSync(fd);
    }
  }

  /** Records that events up to seq need not be delivered again. */
  setCheckpoint(seq) {
    if (seq <= this.checkpoint) return;
    this.checkpoint = seq;
    const file = path.join(this.#dir, 'checkpoint.json');
    fs.writeFileSync(`${file}.new`, JSON.stringify({ checkpoint: seq }), { mode: 0o600 });
    fs.renameSync(`${file}.new`, file);
    this.#trim();
  }

  // #trim deletes segments that hold nothing after the checkpoint; the last
  // one stays, since its name keeps the numbering.
  #trim() {
    if (this.#last.size > CHUNK && this.seq <= this.checkpoint) this.#rotate();
    while (this.#segments.length > 1 && this.#segments[1].first <= this.checkpoint + 1) {
      fs.rmSync(this.#segments.shift().file, { force: true });
    }
  }

  close() {
    fs.closeSync(this.#fd);
    fs.closeSync(this.#mark);
  }
}
