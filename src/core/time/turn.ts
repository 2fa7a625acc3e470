/**
 * The end-of-turn flush: one callback a turn for all connections that wrote something in it.
 *
 * It is the net under the other flush points: a handler that awaits something slow between two sends.
 */
import type { Clock } from "./clock.ts";
import { Fifo } from "../bytes/fifo.ts";

/** Of those who have more to do than their share, so many get on in one turn: what comes from outside waits for them. */
const yieldersATurn = 4;

/** Something that gathers writes during a turn, or does its work over several. */
export interface TurnMember {
  /** Called once: at the end of the turn that it joined, or in a later one that is its own. Must not throw. */
  endTurn(): void;
}

/** The members of the current turn. */
export class Turn {
  readonly #clock: Clock;
  #members: TurnMember[] = [];
  #spare: TurnMember[] = [];
  readonly #end: () => void = () => {
    const members = this.#members;
    this.#members = this.#spare;
    for (const member of members) member.endTurn();
    members.length = 0;
    this.#spare = members;
  };

  readonly #yielders: Fifo<TurnMember> = new Fifo();
  readonly #goOn: () => void = () => {
    const yielders = this.#yielders;
    for (let left = Math.min(yieldersATurn, yielders.length); left > 0; left--) yielders.take().endTurn();
    if (yielders.length > 0) this.#clock.endOfTurn(this.#goOn);
    else this.#yielding = false;
  };
  #yielding = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Joins the current turn; the caller sees to it that it joins once. */
  join(member: TurnMember): void {
    if (this.#members.push(member) === 1) this.#clock.endOfTurn(this.#end);
  }

  /** Gives way: the member goes on when those who came before it have had a turn. It sees to it that it waits once. */
  yield(member: TurnMember): void {
    this.#yielders.push(member);
    if (this.#yielding) return;
    this.#yielding = true;
    this.#clock.endOfTurn(this.#goOn);
  }
}

const turns = new WeakMap<Clock, Turn>();

/** The one turn of a clock. */
export function turnOf(clock: Clock): Turn {
  let turn = turns.get(clock);
  if (turn === undefined) turns.set(clock, turn = new Turn(clock));
  return turn;
}
