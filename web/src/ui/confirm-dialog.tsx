import { AlertDialog } from '@base-ui/react/alert-dialog';
import { type ReactNode, useRef, useState } from 'react';
import { Form, type Values } from './form.js';
import { focusOnMain } from './page.js';

interface ConfirmationProps {
  title: string;
  /** What will happen, and whether it can be undone. */
  text: string;
  /** Label of the button that does it. */
  confirm: string;
  action: (values: Values) => Promise<unknown>;
  /** Further fields, such as the password. */
  children?: ReactNode;
}

interface ConfirmButtonProps extends ConfirmationProps {
  /** Label of the button that opens the dialog. */
  trigger: string;
  /** Accessible name of that button, where the page repeats the same label. */
  triggerLabel?: string;
}

/** A button that asks before it acts. The focus returns to it. */
export function ConfirmButton({ trigger, triggerLabel, action, ...confirmation }: ConfirmButtonProps) {
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const act = async (values: Values) => {
    await action(values);
    setOpen(false);
    // The action may have removed the button along with its row.
    if (!button.current?.isConnected) focusOnMain();
  };
  return (
    <AlertDialog.Root open={isOpen} onOpenChange={setOpen}>
      <AlertDialog.Trigger ref={button} className="danger quiet" aria-label={triggerLabel}>
        {trigger}
      </AlertDialog.Trigger>
      <Dialog {...confirmation} action={act} />
    </AlertDialog.Root>
  );
}

interface ConfirmDialogProps extends ConfirmationProps {
  isOpen: boolean;
  cancel: () => void;
}

/** The same question, opened by something other than a button of its own, such as a form. */
export function ConfirmDialog({ isOpen, cancel, ...confirmation }: ConfirmDialogProps) {
  return (
    <AlertDialog.Root open={isOpen} onOpenChange={cancel}>
      <Dialog {...confirmation} />
    </AlertDialog.Root>
  );
}

/** The focus starts on Cancel: a key that is held down presses the focused button again and again. */
function Dialog({ title, text, confirm, action, children }: ConfirmationProps) {
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
