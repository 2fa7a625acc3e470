/**
 * `millrace/testing`: what tests of servers, clients and framings need and the runtime does not give. A clock moved
 * by hand, a network with faults from a seed, sockets in memory, and the proof of a framer.
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
