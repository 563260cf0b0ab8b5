import { AlertDialog } from '@base-ui/react/alert-dialog';
import { type ReactNode, useRef, useState } from 'react';
import { Form, type Values } from './form.js';
import { focusOnMain } from './page.js';

interface QuestionProps {
  title: string;
  /** What will happen, and that it cannot be undone where that is so. */
  text: string;
  /** The button that does it. */
  confirm: string;
  action: (values: Values) => Promise<unknown>;
  /** What else must be filled in, such as the password. */
  children?: ReactNode;
}

interface ConfirmProps extends QuestionProps {
  /** The button that asks. */
  trigger: string;
  /** Read instead of it where the same words stand many times on the page. */
  triggerLabel?: string;
}

/** Asks before something that cannot be undone. The focus comes back to the button that asked. */
export function Confirm({ trigger, triggerLabel, action, ...question }: ConfirmProps) {
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const act = async (values: Values) => {
    await action(values);
    setOpen(false);
    // The button that asked may be gone with what it stood beside.
    if (!button.current?.isConnected) focusOnMain();
  };
  return (
    <AlertDialog.Root open={isOpen} onOpenChange={setOpen}>
      <AlertDialog.Trigger ref={button} className="danger quiet" aria-label={triggerLabel}>
        {trigger}
      </AlertDialog.Trigger>
      <Dialog {...question} action={act} />
    </AlertDialog.Root>
  );
}

interface AskProps extends QuestionProps {
  isOpen: boolean;
  /** The answer was no. */
  cancel: () => void;
}

/** Asks the same where no button of its own does, but a form that is sent. */
export function Ask({ isOpen, cancel, ...question }: AskProps) {
  return (
    <AlertDialog.Root open={isOpen} onOpenChange={cancel}>
      <Dialog {...question} />
    </AlertDialog.Root>
  );
}

/** The focus begins at what is harmless: a key that is held down presses what has it again and again. */
function Dialog({ title, text, confirm, action, children }: QuestionProps) {
  const cancel = useRef<HTMLButtonElement>(null);
  const act = async (values: Values) => {
    await action(values);
    return null;
  };
  return (
    <AlertDialog.Portal>
      <AlertDialog.Backdrop className="backdrop" />
      <AlertDialog.Popup className="dialog" initialFocus={children ? undefined : cancel}>
        <AlertDialog.Title>{title}</AlertDialog.Title>
        <AlertDialog.Description>{text}</AlertDialog.Description>
        <Form submit={confirm} action={act} danger>
          {children}
        </Form>
        <AlertDialog.Close ref={cancel}>Cancel</AlertDialog.Close>
      </AlertDialog.Popup>
    </AlertDialog.Portal>
  );
}
