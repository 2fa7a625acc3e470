// The adapter that the running runtime gets by itself.
import { detectAdapter } from "../../src/adapters/detect.ts";
import { contract } from "./contract.ts";
import { onLoopback } from "./native.ts";

contract(onLoopback(await detectAdapter()));
