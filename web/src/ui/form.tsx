import { Field } from '@base-ui/react/field';
import { Form as BaseForm } from '@base-ui/react/form';
import { type ComponentProps, type FormEvent, type ReactNode, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { errorMessage, fieldErrors } from './error-messages.js';
import { Notice, StatusMessage } from './notice.js';

export type Values = Record<string, string>;

interface FormProps {
  /** Label of the button. */
  submit: string;
  /** Sends the form. Returns the message of success, or false if nothing was sent after all. */
  action: (values: Values) => Promise<ReactNode>;
  /** Whether success empties the fields. */
  resets?: boolean;
  danger?: boolean;
  className?: string;
  children?: ReactNode;
}

const NO_ERRORS: Record<string, string> = {};

/**
 * A form that shows the server's errors beside their fields, and all others above. The first invalid field gets the focus,
 * so that a screen reader says why.
 */
export function Form({ submit, action, resets = false, danger = false, className = '', children }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const [errors, setErrors] = useState(NO_ERRORS);
  const [message, setMessage] = useState<string | null>(null);
  const [done, setDone] = useState<ReactNode>(null);
  const [isPending, setPending] = useState(false);

  const showError = (error: unknown) => {
    const named = fieldErrors(error, (name) => form.current?.elements.namedItem(name) != null);
    setErrors(named);
    if (Object.keys(named).length === 0) setMessage(errorMessage(error));
  };
  // An invalid field would block the form until it is edited, though the reason may be the value of another field.
  const clearErrors = () => flushSync(() => setErrors(NO_ERRORS));
  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const element = event.currentTarget;
    if (isPending || !element.checkValidity()) return;
    setMessage(null);
    setDone(null);
    setPending(true);
    try {
      const result = await action(typedValues(element));
      if (result === false) return;
      setDone(result);
      if (resets) element.reset();
    } catch (error) {
      showError(error);
    } finally {
      setPending(false);
    }
  };
  return (
    <BaseForm
      ref={form}
      className={`form ${className}`}
      errors={errors}
      onSubmitCapture={clearErrors}
      onSubmit={send}
      noValidate
    >
      {message && <Notice kind="bad">{message}</Notice>}
      {children}
      <button type="submit" className={danger ? 'danger' : 'primary'} aria-disabled={isPending}>
        {submit}
      </button>
      <StatusMessage>{done}</StatusMessage>
    </BaseForm>
  );
}

/** What no eye sees at the ends of a text, as the server takes it away. */
const BLANKS =
  /^[\s\u200B-\u200F\u2028-\u202C\u2060-\u2069\uFEFF]+|[\s\u200B-\u200F\u2028-\u202C\u2060-\u2069\uFEFF]+$/g;
const trimBlanks = (text: string) => text.replace(BLANKS, '');

/** What stands in the fields, without the blanks that a phone's keyboard leaves around it; a password as it is. */
function typedValues(form: HTMLFormElement): Values {
  const entries = [...new FormData(form)].map(([name, value]) => {
    const field = form.elements.namedItem(name);
    const isPassword = field instanceof HTMLInputElement && field.type === 'password';
    return [name, isPassword ? value : trimBlanks(String(value))];
  });
  return Object.fromEntries(entries) as Values;
}

interface TextFieldProps extends ComponentProps<typeof Field.Control> {
  name: string;
  label: string;
  description?: string;
}

export function TextField({ name, label, description, ...control }: TextFieldProps) {
  return (
    <Field.Root name={name} className="field">
      <Field.Label>{label}</Field.Label>
      <Field.Control {...control} />
      {description && <Field.Description className="hint">{description}</Field.Description>}
      <Field.Error className="error" />
    </Field.Root>
  );
}

/** Without `type="email"`: the API explains what is wrong with an address, and unlike browsers accepts letters of any script. */
export function EmailField({
  label = 'Email',
  ...control
}: Omit<ComponentProps<typeof TextField>, 'name' | 'label'> & { label?: string }) {
  return (
    <TextField name="email" label={label} inputMode="email" autoCapitalize="none" spellCheck={false} {...control} />
  );
}

export function NewPasswordField({ name = 'password', label = 'Password' }: { name?: string; label?: string }) {
  return (
    <TextField
      name={name}
      label={label}
      type="password"
      autoComplete="new-password"
      required
      description="At least 8 characters. A few unrelated words are good and easy to remember."
    />
  );
}

/** The API accepts absent fields, but no empty ones. */
export function withoutEmpty(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
}
