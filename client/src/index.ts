export { Gatehouse, type GatehouseOptions, unwrap } from './gatehouse.js';
export type { Lock } from './lock.js';
export { GatehouseProblem, NetworkError, type ProblemBody, StoreError } from './problem.js';
export type { components, paths } from './schema.js';
export type { Session, SessionEvents, SessionStatus } from './session.js';
export { MemoryStore, type TokenStore } from './store.js';
