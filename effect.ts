/**
 * Millrace for programs written with Effect: the same server and connection as scoped resources and layers.
 *
 * @module
 */
export {};
