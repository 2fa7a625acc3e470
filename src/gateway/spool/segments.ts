/**
 * The segments of one directory, in order, and the bytes that its files take.
 *
 * `log_writer.ts` adds to the last one, `forwarder.ts` takes the first one away.
 */

/** One file with frames. */
export interface Segment {
  /** Its number, which is its name. */
  readonly id: number;
  readonly path: string;
  readonly marker: number;
  /** The number of its first frame. */
  readonly first: number;
  /** Of the frame behind its last one. */
  after: number;
  /** Bytes that are known to be written. */
  end: number;
  /** Nothing is added any more. */
  closed: boolean;
  /** It was there before this process; its frames may be at the bus already. */
  readonly found: boolean;
  /** Part of it cannot be read: the file is kept when it is done with. */
  damaged: boolean;
}

/** Those of one directory. */
export class Segments {
  readonly all: Segment[] = [];
  /** Of all files, those set aside included. */
  bytes = 0;
  /** The number that the next frame gets. */
  next = 1;
  /** The number that the next segment gets. */
  nextId = 1;
}

const name = /^(\d{10})\.seg$/;

export function segmentName(id: number): string {
  return `${String(id).padStart(10, "0")}.seg`;
}

/** The number of the segment that a file's name stands for; undefined for another file. */
export function segmentId(file: string): number | undefined {
  const digits = name.exec(file)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
