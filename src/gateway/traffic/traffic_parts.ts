/** What both directions of one endpoint are made of. Put together by `traffic.ts`; what is undefined costs a frame nothing. */
import type { Clock } from "../../core/time/clock.ts";
import type { Acknowledger } from "../acknowledge/acknowledger.ts";
import type { ConfirmedSending } from "../acknowledge/confirmed_sending.ts";
import type { EndpointCodec } from "../codecs/endpoint_codec.ts";
import type { Identities } from "../identity/identities.ts";
import type { PeerMetrics } from "../peer_metrics.ts";
import type { Tracer } from "../telemetry/tracer.ts";
import type { OwedReplies } from "./owed_replies.ts";
import type { Undelivered } from "./undelivered.ts";

/** Those of one endpoint. */
export interface TrafficParts {
  readonly clock: Clock;
  readonly owed: OwedReplies;
  readonly undelivered: Undelivered;
  readonly acknowledger: Acknowledger | undefined;
  readonly confirmed: ConfirmedSending | undefined;
  readonly tracer: Tracer | undefined;
  readonly codec: EndpointCodec | undefined;
  readonly identities: Identities | undefined;
  readonly peers: PeerMetrics | undefined;
}
