/** Limits: connections, frames that wait, bytes that are held, rates, and what is done when they are reached. */
const outbox = "src/core/flow/outbox.ts";
const delivery = "src/connection/delivery.ts";
const pipeline = "src/core/flow/pipeline.ts";
const limiter = "src/core/streams/rate_limiter.ts";
const ofEgress = [
  "tests/core/outbox_test.ts",
  "tests/server/backpressure_test.ts",
  "tests/server/rates_held_test.ts",
  "tests/connection/flush_test.ts",
];
const ofIngress = [
  "tests/connection/delivery_test.ts",
  "tests/connection/reading_test.ts",
  "tests/server/backpressure_test.ts",
];
const ofBatches = ["tests/connection/batches_test.ts"];
const inbox = "src/core/flow/inbox.ts";
const ofRate = ["tests/core/rate_limiter_test.ts", "tests/server/rates_held_test.ts"];

const foundDecoder = "src/core/framing/found_decoder.ts";
const mapFraming = "src/core/framing/map_framing.ts";
const ofDefined = ["tests/core/framing/define_framing_test.ts"];
const ofMapped = ["tests/core/framing/map_framing_test.ts"];

const socketFile = "src/adapters/unix/socket_file.ts";
const ofRights = ["tests/adapters/unix_rights_test.ts"];

const slabWriter = "src/core/bytes/slab_writer.ts";
const ofWrites = ["tests/core/outbox_test.ts"];

const memoryBudget = "src/connection/memory_budget.ts";
const ofBudget = ["tests/connection/memory_budget_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: memoryBudget,
    find: "Number(b.still) - Number(a.still) || b.bytes - a.bytes",
    put: "b.bytes - a.bytes",
    tests: ofBudget,
    why: "a connection whose bytes move goes before one that stands still",
  },
  {
    file: memoryBudget,
    find: "b.bytes - a.bytes);",
    put: "a.bytes - b.bytes);",
    tests: ofBudget,
    why: "the smallest connections go first",
  },
  {
    file: memoryBudget,
    find: "!(still || all)) break;",
    put: "!still) break;",
    tests: ofBudget,
    why: "a budget is exceeded for ever by connections that move",
  },
  {
    file: memoryBudget,
    find: "this.held <= this.limit * enough || !(still",
    put: "!(still",
    tests: ofBudget,
    why: "all that stand still go, and not only as many as it takes",
  },
  {
    file: memoryBudget,
    find: "for (let left = lookedAt; left > 0; left--) {",
    put: "for (;;) {",
    tests: ofBudget,
    why: "a sum over very many connections holds everybody up",
  },
  {
    file: memoryBudget,
    find: "if (this.#hurried || this.#estimate <= this.limit) return;",
    put: "return;",
    tests: ofBudget,
    why: "slow peers do not bring the next sum forward",
  },
  {
    file: "src/server/socket_server.ts",
    find: "settings.profile.budget?.exceeded === true",
    put: "false",
    tests: ["tests/server/memory_budget_test.ts"],
    why: "connections are accepted while the budget is exceeded",
  },
  {
    file: slabWriter,
    find: "const around = 16;",
    put: "const around = 0;",
    tests: ofWrites,
    why: "a frame that fills its slab leaves in two writes, the second with its delimiter alone",
  },
  {
    file: slabWriter,
    find: "if (head < 0 || head > longestHead) head = 0;",
    put: "head = 0;",
    tests: ofWrites,
    why: "the header of a large frame leaves in a write of its own",
  },
  {
    file: socketFile,
    find: "if (mode !== undefined) chmodSync(at, mode);",
    put: "",
    tests: ofRights,
    why: "a Unix socket has the mode of the umask, whatever was asked for",
  },
  {
    file: socketFile,
    find: "mkdirSync(directory, { mode: 0o700 });",
    put: "mkdirSync(directory);",
    tests: ofRights,
    why: "others reach a Unix socket before it has its mode",
  },
  {
    file: "src/adapters/unix/path.ts",
    find: "      draft.release();\n",
    put: "",
    tests: ofRights,
    why: "a directory stays where a Unix socket cannot be bound",
  },
  {
    file: foundDecoder,
    find: "if (size < maxFrameBytes || atEnd) return 0;",
    put: "return 0;",
    tests: ofDefined,
    why: "a frame without an end is held without a limit",
  },
  {
    file: foundDecoder,
    find: "if (size > maxFrameBytes) {",
    put: "if (size > maxFrameBytes + 1) {",
    tests: ofDefined,
    why: "a frame of a user's framing may be one byte too long",
  },
  {
    file: foundDecoder,
    find: "    this.#skipping = bytes - now;\n",
    put: "",
    tests: ofDefined,
    why: "of a frame that is refused only what has come is passed over",
  },
  {
    file: foundDecoder,
    find: "this.#cut(this.#open.extend(chunk), 0, searched, next)",
    put: "this.#cut(this.#open.extend(chunk), 0, 0, next)",
    tests: ofDefined,
    why: "a search begins again with each chunk",
  },
  {
    file: foundDecoder,
    find:
      '      this.#failed = { error };\n      throw error;\n    }\n    if (typeof found === "object" && found.atLeast',
    put: '      throw error;\n    }\n    if (typeof found === "object" && found.atLeast',
    tests: ofDefined,
    why: "a decoder goes on after its function has thrown",
  },
  {
    file: "src/core/bytes/growing_bytes.ts",
    find: "Math.max(total + (total >> 1), firstBlock)",
    put: "Math.max(total, firstBlock)",
    tests: ofDefined,
    why: "what is held of a frame is copied for every byte that comes",
  },
  {
    file: mapFraming,
    find: "    this.#waits = false;\n",
    put: "",
    tests: ofMapped,
    why: "a fault behind the place where a decoder was stopped is not told again",
  },
  {
    file: mapFraming,
    find: "throw this.#failed = error;\n      return",
    put: "throw error;\n      return",
    tests: ofMapped,
    why: "frames behind one that could not be decoded are delivered",
  },
  {
    file: "src/core/framing/sized_decoder.ts",
    find: "this.#frameAt = from - held.length;",
    put: "this.#frameAt = -held.length;",
    tests: ofMapped,
    why: "the offset of a frame whose header ends in the next chunk is wrong",
  },
  {
    file: outbox,
    find: "if (pending === 0) return true;\n",
    put: "",
    tests: ofEgress,
    why: "a frame over the limit never fits",
  },
  {
    file: outbox,
    find: "pending + size <= 2 * this.#limit",
    put: "true",
    tests: ofEgress,
    why: "senders that do not wait hold any amount",
  },
  {
    file: outbox,
    find: "if (pending > this.#limit && !this.#admits(size))",
    put: "if (false)",
    tests: ofEgress,
    why: "egressLimit does not hold for frames",
  },
  {
    file: outbox,
    find: "this.pending + length > this.#limit && !this.#admits(length)",
    put: "false",
    tests: [...ofEgress, "tests/server/broadcast_test.ts"],
    why: "egressLimit does not hold for broadcasts",
  },
  {
    file: outbox,
    find: 'if (this.#policy === "drop-oldest") this.pending -= whole.drop(excess, "drop-oldest");',
    put: "",
    tests: ofEgress,
    why: "drop-oldest drops the newest",
  },
  {
    file: outbox,
    find: 'this.pending -= whole.drop(excess, "drop-oldest");',
    put: 'whole.drop(excess, "drop-oldest");',
    tests: ofEgress,
    why: "dropped frames hold their room",
  },
  {
    file: outbox,
    find: "this.#framesDropped + (this.#whole?.dropped ?? 0)",
    put: "this.#framesDropped",
    tests: ofEgress,
    why: "frames dropped by drop-oldest are not counted",
  },
  {
    file: outbox,
    find: "      this.#framesDropped++;\n",
    put: "",
    tests: ofEgress,
    why: "frames dropped by drop-newest are not counted",
  },
  {
    file: outbox,
    find: 'if (this.#policy === "wait") return congestion.room;',
    put: "",
    tests: ofEgress,
    why: "senders are never asked to wait",
  },
  {
    file: outbox,
    find: "this.#congestion !== undefined && this.pending <= this.#limit / 2",
    put: "this.#congestion !== undefined && this.pending === 0",
    tests: [...ofEgress, "tests/server/slow_reader_test.ts"],
    why: "reading goes on only when everything has gone",
  },
  {
    file: outbox,
    find: "      this.#owner.congested(true);",
    put: "",
    tests: [...ofEgress, "tests/server/slow_reader_test.ts"],
    why: "a peer that reads nothing is read on",
  },
  {
    file: outbox,
    find: 'if (this.#policy === "close") this.#owner.overflowed(error);',
    put: "",
    tests: ofEgress,
    why: 'egressPolicy "close" closes nothing',
  },
  {
    file: delivery,
    find: "this.#bytes > this.#limit || this.#chunks > mostChunks",
    put: "this.#chunks > mostChunks",
    tests: ofIngress,
    why: "ingressLimit does not hold",
  },
  {
    file: delivery,
    find: "this.#bytes > this.#limit || this.#chunks > mostChunks",
    put: "this.#bytes > this.#limit",
    tests: ofIngress,
    why: "any number of tiny chunks may wait",
  },
  {
    file: delivery,
    find: "this.#bytes = this.#chunks = 0;",
    put: "",
    tests: ofIngress,
    why: "bytes that were taken still count as waiting",
  },
  {
    file: delivery,
    find: "return this.#direct && !this.#lent ? this.#held === 0 : waiting < this.#ahead;",
    put: "return this.#direct && !this.#lent ? this.#held === 0 : true;",
    tests: ofIngress,
    why: "all frames of a chunk are cut ahead of a loop",
  },
  {
    file: delivery,
    find: "if (this.#direct && !this.#lent) return this.#held === 0;",
    put: "if (this.#direct && !this.#lent) return true;",
    tests: ofIngress,
    why: "frames are cut while onFrame holds them back",
  },
  {
    file: pipeline,
    find: "return owner.delivery.frame(frame) && --this.#share > 0;",
    put: "return owner.delivery.frame(frame);",
    tests: ofIngress,
    why: "one connection takes the whole turn",
  },
  {
    file: pipeline,
    find:
      "if (this.#pace !== undefined && !this.#discarding) this.#pace.take(bytes, this.framesReceived - before);",
    put: "",
    tests: [...ofRate, "tests/server/backpressure_test.ts"],
    why: "rateLimit is not asked",
  },
  {
    file: pipeline,
    find: "      this.#pace?.take(length, 0);\n",
    put: "",
    tests: [...ofRate, "tests/server/backpressure_test.ts"],
    why: "bytes that come while frames wait are not limited",
  },
  {
    file: limiter,
    find: "    this.#frames -= frames;\n",
    put: "",
    tests: ofRate,
    why: "frames are not limited",
  },
  {
    file: limiter,
    find: "this.#bytes = Math.min(this.#burstBytes, this.#bytes + passed * this.#bytesPerMs);",
    put: "this.#bytes = this.#bytes + passed * this.#bytesPerMs;",
    tests: ofRate,
    why: "a quiet time saves up any amount",
  },
  {
    file: limiter,
    find: "Math.max(debt(this.#bytes, this.#bytesPerMs), debt(this.#frames, this.#framesPerMs))",
    put: "Math.min(debt(this.#bytes, this.#bytesPerMs), debt(this.#frames, this.#framesPerMs))",
    tests: ofRate,
    why: "the laxer of two rates holds",
  },
  {
    file: "src/core/flow/read_gate.ts",
    find: "if (before === 0 || this.gateReasons !== 0) return;",
    put: "if (before === 0) return;",
    tests: ["tests/core/gate_test.ts"],
    why: "reading goes on while somebody holds it",
  },
  {
    file: "src/core/streams/ordered_pair.ts",
    find: "        this.#input?.error(reason);\n",
    put: "        this.#input?.error(new Error());\n",
    tests: ["tests/interop/foreign_streams_test.ts"],
    why: "a source does not learn why the reader of frames has left",
    runtime: "bun",
  },
  {
    file: "src/core/streams/timed_stage.ts",
    find: "            controller.error(error);\n",
    put: "            controller.terminate();\n",
    tests: ["tests/interop/foreign_streams_test.ts"],
    why: "a silence is no error for those who read behind the watchdog",
    runtime: "bun",
  },
  {
    file: "src/core/streams/ordered_pair.ts",
    find: "return this.#mayPush || this.#held.length < mostAhead;",
    put: "return true;",
    tests: ["tests/core/framing/framer_stream_test.ts"],
    why: "a FramerStream cuts all frames of a chunk ahead of its reader",
  },
  {
    file: "src/core/streams/direct_iterator.ts",
    find: "this.#direct = --this.#steps === 0 && source.comesFirst();",
    put: "this.#direct = true;",
    tests: ["tests/core/framing/framer_loop_test.ts"],
    why: "a loop over a FramerStream that was left goes on, or overtakes its own steps",
  },
  {
    file: "src/core/framing/piecewise_decoder.ts",
    find: "if (decoder.flush !== undefined) this.flush = decoder.flush.bind(decoder);",
    put: "this.flush = (next) => decoder.flush?.(next);",
    tests: ["tests/connection/reading_test.ts"],
    why: "a framing of the user's own has to say itself what an end inside a frame is",
  },
  {
    file: delivery,
    find: "    this.inbox.handOver();\n",
    put: "",
    tests: ofBatches,
    why: "a reader of batches waits for ever",
  },
  {
    file: inbox,
    find: "    this.#over = true;\n    this.handOver();\n",
    put: "    this.#over = true;\n",
    tests: ofBatches,
    why: "batches end before the last frames",
  },
  {
    file: inbox,
    find: "const mostTogether = 1024;",
    put: "const mostTogether = Infinity;",
    tests: ofBatches,
    why: "batches of any length",
  },
  {
    file: inbox,
    find: "resolve === undefined || this.#wantsMany",
    put: "resolve === undefined",
    tests: ofBatches,
    why: "a frame where a batch is awaited",
  },
  {
    file: "src/core/bytes/fifo.ts",
    find: "this.#head = from + most;",
    put: "this.#head = from + most - 1;",
    tests: ofBatches,
    why: "a batch that is not whole moves the queue by too little",
  },
  {
    file: "src/core/flow/inbox.ts",
    find: "    this.#source.delivery.inbox.withdraw(this.#last);\n",
    put: "",
    tests: ofBatches,
    why: "a reader that has left takes what comes next",
  },
  {
    file: "src/connection/tls/upgrade.ts",
    find: "length > 0 || together > 1 || pipeline",
    put: "length > 0 || pipeline",
    tests: ["tests/connection/upgrade_races_test.ts"],
    why: "frames beside the command in its batch are not taken for injected",
  },
  {
    file: "src/core/bytes/bytes.ts",
    find: "end - start <= copiedLength",
    put: "end - start < copiedLength",
    tests: ["tests/core/bytes_test.ts"],
    why: "frames of the length up to which they are copied are viewed",
  },
];
