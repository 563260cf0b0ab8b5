import { Field } from '@base-ui/react/field';

interface ChoicesProps {
  legend: string;
  name: string;
  options: readonly string[];
  chosen: readonly string[];
}

/** Any number of a few, as boxes that a form reads by `chosenOf`. */
export function Choices({ legend, name, options, chosen }: ChoicesProps) {
  return (
    <Field.Root name={name} render={<fieldset />}>
      <legend>{legend}</legend>
      {/* Sent even where none is chosen, which is another thing than to have had no choice. */}
      <input type="hidden" name={name} />
      {options.map((option) => (
        <label key={option} className="choice">
          <input type="checkbox" name={`${name}.${option}`} defaultChecked={chosen.includes(option)} />
          {option}
        </label>
      ))}
      <Field.Error className="error" role="alert" />
    </Field.Root>
  );
}

/** What was chosen under a name. */
export function chosenOf(values: Record<string, string>, name: string): string[] {
  const start = `${name}.`;
  return Object.keys(values)
    .filter((key) => key.startsWith(start))
    .map((key) => key.slice(start.length));
}
