import { authenticationContextOf } from './authentication-context.js';

test.each<[methods: string[], amr: string[]]>([
  [['password'], ['pwd']],
  // A session of a newer version, refreshed by this one.
  [
    ['pwd', 'otp', 'mfa'],
    ['pwd', 'otp', 'mfa'],
  ],
  [['constructor'], ['constructor']],
  [[], []],
])('%j is amr %j, and no more than one factor', (methods, amr) => {
  expect(authenticationContextOf(methods)).toEqual({ amr, acr: '1fa' });
});

test('the methods of the session stay as they are', () => {
  const methods = Object.freeze(['password']);
  expect(authenticationContextOf(methods).amr).not.toBe(methods);
  expect(methods).toEqual(['password']);
});
