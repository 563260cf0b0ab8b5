import { jest } from '@jest/globals';

/** For a lane whose hooks and tests start browsers or many processes; Jest takes a timeout of its own for no project. */
jest.setTimeout(100_000);
