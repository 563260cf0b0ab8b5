/** The addresses of the page's views. The server answers them with the page from a list of its own; a test holds both alike. */
export const PAGE_PATHS = {
  dashboard: '/',
  signIn: '/sign-in',
  signUp: '/sign-up',
  forgotPassword: '/forgot-password',
  verifyEmail: '/verify-email',
  resetPassword: '/reset-password',
  acceptInvitation: '/accept-invitation',
  undoEmailChange: '/undo-email-change',
  devices: '/devices',
  security: '/security',
  account: '/account',
  overview: '/admin',
  users: '/admin/users',
  user: '/admin/users/:id',
  roles: '/admin/roles',
  audit: '/admin/audit',
} as const;
