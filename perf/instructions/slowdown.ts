/** A counted request takes so many times as long, about, on a machine that has nothing else to do. */
export const slowdown = 32
