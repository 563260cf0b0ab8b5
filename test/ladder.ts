/**
 * The modules of `src/`, each above those it may import from. What serves every module and knows none of them lies in
 * `platform/`, whose folders are modules of their own. Entry points stand over all but the command line.
 * `docs/architecture.md` has a line on each.
 */
export const LADDER = [
  ['cli'],
  ['(entry)'],
  ['app'],
  ['health', 'web'],
  ['guards'],
  ['dashboard'],
  ['admin'],
  ['account'],
  ['auth'],
  ['users'],
  ['roles'],
  ['credentials'],
  ['sessions'],
  ['tokens'],
  ['revocation'],
  ['audit'],
  ['access'],
  ['platform/mail'],
  ['platform/rate-limiting'],
  ['platform/jobs'],
  ['platform/database'],
  ['platform/http'],
  ['platform/observability'],
  ['platform/config'],
  ['platform/common'],
];
