interface ChoicesProps {
  legend: string;
  name: string;
  options: readonly string[];
  chosen: readonly string[];
}

/** Any number of a few, as boxes that a form reads by `chosenOf`. */
export function Choices({ legend, name, options, chosen }: ChoicesProps) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      {options.map((option) => (
        <label key={option} className="choice">
          <input type="checkbox" name={`${name}.${option}`} defaultChecked={chosen.includes(option)} />
          {option}
        </label>
      ))}
    </fieldset>
  );
}

/** What was chosen under a name. */
export function chosenOf(values: Record<string, string>, name: string): string[] {
  const start = `${name}.`;
  return Object.keys(values)
    .filter((key) => key.startsWith(start))
    .map((key) => key.slice(start.length));
}
