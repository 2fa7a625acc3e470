/**
 * What every adapter promises, as tests: the comments of `src/core/transport.ts`, line by line.
 *
 * Called with each adapter by the small `*_test.ts` files beside it. What an adapter can't do is skipped by its
 * own `can`, never by asking which runtime this is.
 */
import { describe } from "node:test";
import { connecting } from "./connecting.ts";
import { ending } from "./ending.ts";
import { listening } from "./listening.ts";
import { reading } from "./reading.ts";
import type { Subject } from "./rig.ts";
import { unixSockets } from "./unix.ts";
import { writing } from "./writing.ts";

export function contract(subject: Subject): void {
  describe(`the contract, kept by ${subject.name}`, () => {
    reading(subject);
    writing(subject);
    ending(subject);
    listening(subject);
    connecting(subject);
    unixSockets(subject);
  });
}
