import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Call once for each line of standard input: java Lines.java http-client|url-connection URL (see python_lines.py). */
public class Lines {
    private static final Duration WITHIN = Duration.ofSeconds(2);
    private static final Pattern ADDRESS = Pattern.compile("\"address\": *\"([^\"]*)\"");
    private static final HttpClient CLIENT =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(WITHIN).build();

    public static void main(String[] arguments) throws Exception {
        boolean byClient = arguments[0].equals("http-client");
        URI uri = URI.create(arguments[1]);
        System.out.println("{\"ready\": true}");
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            int number = Integer.parseInt(line.trim());
            try {
                Matcher found = ADDRESS.matcher(byClient ? byClient(uri) : byConnection(uri));
                String address = found.find() ? found.group(1) : "";
                System.out.printf("{\"number\": %d, \"ok\": true, \"address\": \"%s\", \"error\": \"\"}%n", number, address);
            } catch (Exception error) {
                String text = error.toString().replaceAll("[\"\\\\\\p{Cntrl}]", " ");
                System.out.printf("{\"number\": %d, \"ok\": false, \"address\": \"\", \"error\": \"%s\"}%n", number, text);
            }
        }
    }

    private static String byClient(URI uri) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(uri).timeout(WITHIN).build();
        return CLIENT.send(request, HttpResponse.BodyHandlers.ofString()).body();
    }

    private static String byConnection(URI uri) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) uri.toURL().openConnection();
        connection.setConnectTimeout((int) WITHIN.toMillis());
        connection.setReadTimeout((int) WITHIN.toMillis());
        try (InputStream body = connection.getInputStream()) {
            return new String(body.readAllBytes());
        }
    }
}
