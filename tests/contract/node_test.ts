// Node's adapter on whichever runtime has node:net.
import { nodeAdapter } from "../../src/adapters/node.ts";
import { contract } from "./contract.ts";
import { onLoopback } from "./native.ts";

contract(onLoopback(nodeAdapter));
