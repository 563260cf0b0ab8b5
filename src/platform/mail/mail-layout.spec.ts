import { renderMail } from './mail-layout.js';
import { mailTemplates } from './mail-templates.js';

const SERVICE = { appName: 'A & <B>', publicUrl: 'https://example.com/auth' };
const ORIGIN = { ip: '192.0.2.1', at: new Date('2026-01-02T03:04:05Z') };

const EVERY = {
  confirmRegistration: mailTemplates.confirmRegistration('T0ken', ORIGIN, true),
  confirmAddress: mailTemplates.confirmAddress('T0ken', false),
  accountExists: mailTemplates.accountExists(ORIGIN),
  choosePassword: mailTemplates.choosePassword('T0ken'),
  resetPassword: mailTemplates.resetPassword('T0ken', ORIGIN),
  passwordChanged: mailTemplates.passwordChanged(ORIGIN),
  confirmNewEmail: mailTemplates.confirmNewEmail('T0ken', ORIGIN),
  emailChanged: mailTemplates.emailChanged('T0ken', ORIGIN),
  emailRestored: mailTemplates.emailRestored('T0ken'),
  emailTakenBack: mailTemplates.emailTakenBack(),
  invitation: mailTemplates.invitation('T0ken'),
  newDevice: mailTemplates.newDevice('Firefox on <Linux>', ORIGIN),
  accountDeleted: mailTemplates.accountDeleted(),
};

test('every mail is tried here', () => {
  expect(Object.keys(EVERY).sort()).toEqual(Object.keys(mailTemplates).sort());
});

test.each(Object.entries(EVERY))('%s names the service, leads only to it, and escapes', (_, mail) => {
  const { subject, text, html } = renderMail(mail, SERVICE);
  expect(subject).toBe(`${mail.subject} – A & <B>`);
  expect(subject).not.toMatch(/[\r\n]/);
  expect(html).toContain('A &amp; &lt;B&gt;');
  expect(html).not.toContain('<B>');
  expect(html).not.toContain('<Linux>');
  const links = [...`${text}\n${html}`.matchAll(/https?:\/\/[^\s"<]+/g)].map(([link]) => link);
  expect(links.length).toBeGreaterThan(0);
  for (const link of links) expect(link.startsWith(SERVICE.publicUrl)).toBe(true);
  // The token stands in the fragment alone, where no server and no Referer sees it.
  expect(links.filter((link) => link.includes('T0ken')).every((link) => new URL(link).hash === '#token=T0ken')).toBe(
    true,
  );
  expect(text.includes('T0ken')).toBe(mail.link !== undefined);
});

test('a mail says when and from where it was caused', () => {
  expect(renderMail(EVERY.passwordChanged, SERVICE).text).toContain('on 2026-01-02 at 03:04 UTC from 192.0.2.1');
});
