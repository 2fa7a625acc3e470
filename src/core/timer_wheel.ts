/**
 * One timer for all connections: a hashed wheel of entries that are looked at when they may be due.
 *
 * Its time moves only as far as the process really ran. After a blocked event loop, a stopped process or
 * a sleep of the machine, the gap counts as one tick, so nobody is closed for a stall of ours (F-68).
 */
export {};
