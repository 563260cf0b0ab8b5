import { AlertDialog } from '@base-ui/react/alert-dialog';
import { type ReactNode, useRef, useState } from 'react';
import { Form, type Values } from './form.js';

interface ConfirmProps {
  /** The button that asks. */
  trigger: string;
  /** Read instead of it where the same words stand many times on the page. */
  triggerLabel?: string;
  title: string;
  /** What will happen, and that it cannot be undone where that is so. */
  text: string;
  /** The button that does it. */
  confirm: string;
  action: (values: Values) => Promise<unknown>;
  /** What else must be filled in, such as the password. */
  children?: ReactNode;
}

/** Asks before something that cannot be undone. The focus comes back to the button that asked. */
export function Confirm({ trigger, triggerLabel, title, text, confirm, action, children }: ConfirmProps) {
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const act = async (values: Values) => {
    await action(values);
    setOpen(false);
    // The button that asked may be gone with what it stood beside.
    if (!button.current?.isConnected) document.getElementById('main')?.focus();
    return null;
  };
  return (
    <AlertDialog.Root open={isOpen} onOpenChange={setOpen}>
      <AlertDialog.Trigger ref={button} className="danger quiet" aria-label={triggerLabel}>
        {trigger}
      </AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="dialog">
          <AlertDialog.Title>{title}</AlertDialog.Title>
          <AlertDialog.Description>{text}</AlertDialog.Description>
          <Form submit={confirm} action={act} danger>
            {children}
          </Form>
          <AlertDialog.Close>Cancel</AlertDialog.Close>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
