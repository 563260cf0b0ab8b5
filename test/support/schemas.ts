import type { components } from '../../client/src/schema.js';

/** The types of the API's bodies, as its own description gives them to the client. */
export type Schemas = components['schemas'];
