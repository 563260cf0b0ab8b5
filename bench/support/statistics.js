/**
 * The value below which a share of the numbers lies.
 * @param {number[]} numbers
 * @param {number} share
 */
export function quantile(numbers, share) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** @param {number[]} numbers */
export const median = (numbers) => quantile(numbers, 0.5);

/**
 * The median and the bounds between which that of all such numbers lies with 95 % confidence, by their ranks: it asks for no
 * bell curve, and a few wild numbers move it little.
 * @param {number[]} numbers
 */
export function medianInterval(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const reach = 0.98 * Math.sqrt(sorted.length);
  const low = Math.max(0, Math.floor(sorted.length / 2 - reach));
  return {
    low: sorted[low] ?? Number.NaN,
    middle: median(sorted),
    high: sorted[sorted.length - 1 - low] ?? Number.NaN,
  };
}
