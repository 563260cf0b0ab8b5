import { inBatches } from './batches.js';

test.each([
  [[], []],
  [[1], [[1]]],
  [[1, 2], [[1, 2]]],
  [
    [1, 2, 3, 4, 5],
    [[1, 2], [3, 4], [5]],
  ],
])('%j in twos', (items, batches) => {
  expect([...inBatches(items, 2)]).toEqual(batches);
});
