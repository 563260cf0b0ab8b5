/** The addresses of the page's views. The server has a list of its own; a test keeps both equal. */
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
