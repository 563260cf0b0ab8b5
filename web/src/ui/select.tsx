import { Field } from '@base-ui/react/field';
import type { ComponentProps } from 'react';

interface SelectProps extends ComponentProps<'select'> {
  name: string;
  label: string;
  options: readonly (readonly [value: string, text: string])[];
}

/** The browser's own list: nothing works better on a phone or with a screen reader. */
export function Select({ name, label, options, ...select }: SelectProps) {
  return (
    <Field.Root name={name} className="field">
      <Field.Label>{label}</Field.Label>
      <Field.Control
        render={(control) => (
          <select {...(control as ComponentProps<'select'>)} {...select} name={name}>
            {options.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        )}
      />
    </Field.Root>
  );
}
