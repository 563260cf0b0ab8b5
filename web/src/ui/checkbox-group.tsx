import { Field } from '@base-ui/react/field';

interface CheckboxGroupProps {
  legend: string;
  name: string;
  options: readonly string[];
  checked: readonly string[];
}

/** A form reads the boxes with `checkedValues`. */
export function CheckboxGroup({ legend, name, options, checked }: CheckboxGroupProps) {
  return (
    <Field.Root name={name} render={<fieldset />}>
      <legend>{legend}</legend>
      {/* Present even if no box is checked, so that the form can tell this from having had no boxes. */}
      <input type="hidden" name={name} />
      {options.map((option) => (
        <label key={option} className="checkbox">
          <input type="checkbox" name={`${name}.${option}`} defaultChecked={checked.includes(option)} />
          {option}
        </label>
      ))}
      <Field.Error className="error" role="alert" />
    </Field.Root>
  );
}

export function checkedValues(values: Record<string, string>, name: string): string[] {
  const start = `${name}.`;
  return Object.keys(values)
    .filter((key) => key.startsWith(start))
    .map((key) => key.slice(start.length));
}
