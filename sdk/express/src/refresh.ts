/** Is it time for the next generation? Half of a short-lived token's life counts as its last minute. */
export function isDue(session: { iat: number; at_exp: number }, beforeS: number, now: number): boolean {
  const half = Math.floor((session.at_exp - session.iat) / 2);
  return session.at_exp - now <= Math.min(beforeS, Math.max(half, 0));
}
