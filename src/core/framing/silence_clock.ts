/** The clock of a stream's silences, which only framings that hear them bring along. Used by their decoders. */
import { type SilenceOwner, SilenceWatch } from "../time/silence_watch.ts";
import { sharedWheel, type TimerWheel } from "../time/timer_wheel.ts";

/** Tells the owner of its silences of `gap`, in milliseconds. */
export function watchSilence(
  gap: number,
  owner: SilenceOwner,
  wheel: TimerWheel = sharedWheel(),
): SilenceWatch {
  return new SilenceWatch(gap, wheel, owner);
}
