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
