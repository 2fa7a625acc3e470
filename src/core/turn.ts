/**
 * The end-of-turn flush: one callback a turn for all connections that wrote something in it (F-43).
 *
 * It is the net under the other flush points: a handler that awaits something slow between two sends.
 */
import type { Clock } from "./clock.ts";

/** Something that gathers writes during a turn. */
export interface TurnMember {
  /** Called once at the end of the turn in which it joined. Must not throw. */
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

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Joins the current turn; the caller sees to it that it joins once. */
  join(member: TurnMember): void {
    if (this.#members.push(member) === 1) this.#clock.endOfTurn(this.#end);
  }
}

const turns = new WeakMap<Clock, Turn>();

/** The one turn of a clock. */
export function turnOf(clock: Clock): Turn {
  let turn = turns.get(clock);
  if (turn === undefined) turns.set(clock, turn = new Turn(clock));
  return turn;
}
