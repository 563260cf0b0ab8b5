import { jest } from '@jest/globals';
import { LOAD } from './load.js';

/** Milliseconds for a test of a lane that starts browsers or many processes, on a quiet machine. */
jest.setTimeout(100_000 * LOAD);
