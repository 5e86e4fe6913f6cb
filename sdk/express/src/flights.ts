/** One flight however many ask, and what came of it for those who come late. Who goes away stops nothing. */

export const KEPT_S = 10;

export class Flights<T> {
  readonly #now: () => number;
  readonly #keptAfter: (error: unknown) => number;
  /** Under way and settled, the oldest first. */
  readonly #flights = new Map<string, { outcome: Promise<T>; until: number }>();

  /** `keptAfter`: for how many seconds a failure is everybody's. */
  constructor(now: () => number, keptAfter: (error: unknown) => number) {
    this.#now = now;
    this.#keptAfter = keptAfter;
  }

  once(key: string, fly: () => Promise<T>): Promise<T> {
    this.#forget();
    const known = this.#flights.get(key);
    if (known !== undefined) return known.outcome;
    const flight = { outcome: fly(), until: Infinity };
    const settle = (keptS: number): void => {
      flight.until = this.#now() + keptS;
      // To the end: the map stays in the order in which it is forgotten.
      this.#flights.delete(key);
      this.#flights.set(key, flight);
    };
    this.#flights.set(key, flight);
    flight.outcome.then(
      () => settle(KEPT_S),
      (error: unknown) => settle(this.#keptAfter(error)),
    );
    return flight.outcome;
  }

  #forget(): void {
    const now = this.#now();
    for (const [key, { until }] of this.#flights) {
      if (until <= now) this.#flights.delete(key);
    }
  }
}
