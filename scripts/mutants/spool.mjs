/** Frames on disk before the bus: what is stored, told, kept and found again. */
const folder = "src/gateway/spool/";
const tests = ["tests/gateway/spool/spool_test.ts", "tests/gateway/spool/record_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: `${folder}log_writer.ts`,
    find: "await this.#file.sync();",
    put: "void this.#file.sync().catch(() => {});",
    tests,
    why: "a frame is acknowledged that the device has not",
  },
  {
    file: `${folder}log_writer.ts`,
    find: "segments.bytes + batch.length + bytes > maxBytes",
    put: "segments.bytes < 0",
    tests,
    why: "the disk is filled",
  },
  {
    file: `${folder}log_writer.ts`,
    find: "await file!.truncate(segment.end);",
    put: "",
    tests,
    why: "what was not stored stays in the file",
  },
  {
    file: `${folder}place.ts`,
    find: "if (whole < size && whole >= certain) {",
    put: "if (whole < size) {",
    tests,
    why: "frames that were stored are taken for an unfinished write",
  },
  {
    file: `${folder}place.ts`,
    find: "const next = this.segments.next = Math.max(found, state?.written ?? 1);",
    put: "const next = this.segments.next = found;",
    tests,
    why: "nobody hears of frames that are missing at the end",
  },
  {
    file: `${folder}forwarder.ts`,
    find: "if (seq <= context.last) return this.#finish(frame);",
    put: "",
    tests,
    why: "what the stream has is sent to it again",
  },
  {
    file: `${folder}forwarder.ts`,
    find: "if (isPermanent(error)) this.#refuse(message as Outgoing, error);\n    else",
    put: "",
    tests,
    why: "one frame that the stream does not take is sent for ever",
  },
  {
    file: `${folder}record.ts`,
    find: "view.getUint32(at + 4) !== crc32(bytes, at + 8, end)",
    put: "false",
    tests,
    why: "a changed byte is forwarded",
  },
];
