import type { MailContent } from './mail-layout.js';

/** From where something was done, as a mail may say it. */
export interface Origin {
  ip: string;
  at: Date;
}

const NOT_YOU = 'If this was not you, you need do nothing: without this link nothing happens.';

/** Every mail that Gatehouse sends. */
export const mailTemplates = {
  /** `duplicateRegistration`: it was registered more than once, so that no password chosen so far can be trusted. */
  confirmRegistration: (token: string, origin: Origin, duplicateRegistration: boolean): MailContent =>
    confirmation(token, `An account was registered with this address, ${from(origin)}.`, duplicateRegistration),

  /** Asked for once more, or after an administrator gave an account the address. */
  confirmAddress: (token: string, duplicateRegistration: boolean): MailContent =>
    confirmation(token, 'An account has this address, which nobody has confirmed yet.', duplicateRegistration),

  /** To the owner of an address that somebody tries to register again. */
  accountExists: (origin: Origin): MailContent => ({
    kind: 'account_exists',
    subject: 'You have an account already',
    paragraphs: [
      `Somebody tried to use this address for an account, ${from(origin)}, but it has one already.`,
      'If this was you, sign in with the password you have, or ask for a new one. If it was not, you need do nothing.',
    ],
  }),

  /** After the confirmation of an address that was registered more than once. */
  choosePassword: (token: string): MailContent => ({
    kind: 'choose_password',
    subject: 'Choose your password',
    paragraphs: ['You have confirmed this address. Choose the password of your account.'],
    link: { page: 'reset-password', token, label: 'Choose a password' },
    closing: ['The link works once, for 30 minutes. After that, ask for a new password.'],
  }),

  resetPassword: (token: string, origin: Origin): MailContent => ({
    kind: 'reset_password',
    subject: 'Choose a new password',
    paragraphs: [`A new password was asked for, ${from(origin)}.`],
    link: { page: 'reset-password', token, label: 'Choose a new password' },
    closing: ['The link works once, for 30 minutes. Every device will be signed out.', NOT_YOU],
  }),

  passwordChanged: (origin: Origin): MailContent => ({
    kind: 'password_changed',
    subject: 'Your password was changed',
    paragraphs: [
      `The password of your account was changed, ${from(origin)}. All other devices were signed out.`,
      'If this was not you, ask for a new password at once.',
    ],
  }),

  confirmNewEmail: (token: string, origin: Origin): MailContent => ({
    kind: 'change_email',
    subject: 'Confirm your new email address',
    paragraphs: [
      `The owner of an account under another address wants to move it to this one, asked for ${from(origin)}.`,
      'Confirm only if that account is yours: it is not one that you have just registered.',
    ],
    link: { page: 'verify-email', token, label: 'Move the account to this address' },
    closing: ['The link works once, for 24 hours.', NOT_YOU],
  }),

  /**
   * To the address before. `undoToken` is null where that one was never confirmed, so its owner is not known; both are null
   * where an administrator changed it.
   */
  emailChanged: (undoToken: string | null, origin: Origin | null): MailContent => ({
    kind: 'email_changed',
    subject: 'Your email address was changed',
    paragraphs: [
      `The email address of your account is another one now, changed ${origin ? from(origin) : 'by an administrator'}.`,
    ],
    ...(undoToken && {
      link: { page: 'undo-email-change', token: undoToken, label: 'This was not me: undo it' },
      closing: [
        'For 72 hours the link gives the account back to this address, signs out every device, and lets you choose a ' +
          'new password.',
      ],
    }),
  }),

  emailRestored: (resetToken: string): MailContent => ({
    kind: 'email_restored',
    subject: 'Your email address is back',
    paragraphs: [
      'The change of your email address was undone. Every device was signed out, and the password no longer works.',
    ],
    link: { page: 'reset-password', token: resetToken, label: 'Choose a new password' },
    closing: ['The link works once, for 30 minutes. After that, ask for a new password.'],
  }),

  /** To the address that an account was moved to and has left again. */
  emailTakenBack: (): MailContent => ({
    kind: 'email_taken_back',
    subject: 'Your account has its former email address again',
    paragraphs: [
      'The owner of the former address has undone the change: the account that used this address has the former one again. ' +
        'Every device was signed out, and the password no longer works.',
    ],
  }),

  invitation: (token: string): MailContent => ({
    kind: 'invitation',
    subject: 'You are invited',
    paragraphs: ['An account was made for you. Choose a password, and it is yours.'],
    link: { page: 'accept-invitation', token, label: 'Accept the invitation' },
    closing: ['The link works once, for 7 days.', 'If you did not expect this, you need do nothing.'],
  }),

  newDevice: (device: string, origin: Origin): MailContent => ({
    kind: 'new_device',
    subject: 'A sign-in from a new device',
    paragraphs: [
      `Your account was signed in to on a device not seen before: ${device}, ${from(origin)}.`,
      'If this was not you, change your password and end the sessions you do not know.',
    ],
  }),

  accountDeleted: (): MailContent => ({
    kind: 'account_deleted',
    subject: 'Your account was deleted',
    paragraphs: ['Your account and what belonged to it were deleted. This is the last mail about it.'],
  }),
};

function confirmation(token: string, what: string, duplicateRegistration: boolean): MailContent {
  return {
    kind: 'verify_email',
    subject: 'Confirm your email address',
    paragraphs: [
      `${what} Confirm that it is yours.`,
      ...(duplicateRegistration
        ? [
            'This address was registered more than once, perhaps by somebody else. So none of the passwords chosen then ' +
              'will work: once you have confirmed, another mail lets you choose yours.',
          ]
        : []),
    ],
    link: { page: 'verify-email', token, label: 'Confirm this address' },
    closing: ['The link works once, for 24 hours.', NOT_YOU],
  };
}

function from({ ip, at }: Origin): string {
  return `on ${at.toISOString().slice(0, 16).replace('T', ' at ')} UTC from ${ip}`;
}
