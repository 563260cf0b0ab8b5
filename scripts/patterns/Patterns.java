import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/** Answers for each line "pattern, tab, text" whether Java finds the pattern in the text. */
public class Patterns {
    public static void main(String[] args) throws Exception {
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] parts = line.split("\t", -1);
            System.out.println(Pattern.compile(parts[0]).matcher(parts[1]).find() ? 1 : 0);
        }
    }
}
