import { Field } from '@base-ui/react/field';
import { Form as BaseForm } from '@base-ui/react/form';
import { type ComponentProps, type FormEvent, type ReactNode, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { fieldsOf, messageOf } from './error-messages.js';
import { Notice, Said } from './notice.js';

export type Values = Record<string, string>;

interface FormProps {
  /** What the button says. */
  submit: string;
  /** Sends the form; what it returns is said when it went well. False where it was not sent after all. */
  action: (values: Values) => Promise<ReactNode>;
  /** Whether the fields are emptied when it went well. */
  resets?: boolean;
  danger?: boolean;
  className?: string;
  children?: ReactNode;
}

const NONE: Record<string, string> = {};

/**
 * A form that shows each refusal beside its field in the server's words, and every other one above. The first field that was
 * refused gets the focus, so that a screen reader says why.
 */
export function Form({ submit, action, resets = false, danger = false, className = '', children }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const [errors, setErrors] = useState(NONE);
  const [message, setMessage] = useState<string | null>(null);
  const [done, setDone] = useState<ReactNode>(null);
  const [isPending, setPending] = useState(false);

  const refuse = (error: unknown) => {
    const named = fieldsOf(error, (name) => form.current?.elements.namedItem(name) != null);
    setErrors(named);
    if (Object.keys(named).length === 0) setMessage(messageOf(error));
  };
  // A field that the server has refused would hold back the form until it is edited, though the reason may lie in another one.
  const forget = () => flushSync(() => setErrors(NONE));
  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const element = event.currentTarget;
    if (isPending || !element.checkValidity()) return;
    setMessage(null);
    setDone(null);
    setPending(true);
    try {
      const values = Object.fromEntries(new FormData(element)) as Values;
      const said = await action(values);
      if (said === false) return;
      setDone(said);
      if (resets) element.reset();
    } catch (error) {
      refuse(error);
    } finally {
      setPending(false);
    }
  };
  return (
    <BaseForm
      ref={form}
      className={`form ${className}`}
      errors={errors}
      onSubmitCapture={forget}
      onSubmit={send}
      noValidate
    >
      {message && <Notice kind="bad">{message}</Notice>}
      {children}
      <button type="submit" className={danger ? 'danger' : 'primary'} aria-disabled={isPending}>
        {submit}
      </button>
      <Said>{done}</Said>
    </BaseForm>
  );
}

interface TextFieldProps extends ComponentProps<typeof Field.Control> {
  name: string;
  label: string;
  description?: string;
}

/** One line of text with its label, what to know about it, and what is wrong with it. */
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

/** An address. No `type="email"`: the API says what is wrong with one, and takes letters of any script, which a browser does not. */
export function EmailField({
  label = 'Email',
  ...control
}: Omit<ComponentProps<typeof TextField>, 'name' | 'label'> & { label?: string }) {
  return (
    <TextField name="email" label={label} inputMode="email" autoCapitalize="none" spellCheck={false} {...control} />
  );
}

/** A new password: said the same wherever one is chosen. */
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

/** The values that are not empty: the API takes what is absent, not what is empty. */
export function filled(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
}
