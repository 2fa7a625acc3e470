/**
 * `millrace/testing`: tools for tests of servers, clients and framings: a clock that the test advances, a virtual network with
 * seeded faults, sockets in memory, and `assertFramer`.
 *
 * @module
 */
export { memoryAdapter, type MemoryOptions } from "../adapters/memory/adapter.ts";
export {
  assertFramer,
  type AssertFramerOptions,
  type ExpectedFrameError,
  type FramerCase,
} from "./assert_framer.ts";
export type { RecordedConnection, RecordedEvent, RecordedSide, Recording } from "../recording/recording.ts";
export { type ConnectionRecorder, Recorder, type RecorderOptions } from "../recording/recorder.ts";
export { parseRecording } from "../recording/recording_text.ts";
export {
  type PlayOptions,
  replay,
  type ReplayOptions,
  type ReplayProgress,
  type ReplayReport,
} from "../recording/replay.ts";
export { FakeClock, type FakeClockOptions } from "./fake_clock.ts";
export {
  type Fault,
  type FaultKind,
  type LinkOptions,
  type NetworkEvent,
  type NumberOrRange,
  VirtualNetwork,
  type VirtualNetworkOptions,
} from "./virtual_network.ts";
