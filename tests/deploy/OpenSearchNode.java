import java.util.List;
import java.util.Map;
import org.opensearch.common.settings.Settings;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;

/** One OpenSearch node from jars alone, with what its distribution has built in for HTTP and pipelines. */
public class OpenSearchNode extends Node {
    OpenSearchNode(Settings settings) throws Exception {
        super(InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "one"),
            List.of(
                Class.forName("org.opensearch.transport.Netty4Plugin").asSubclass(org.opensearch.plugins.Plugin.class),
                Class.forName("org.opensearch.script.mustache.MustachePlugin").asSubclass(org.opensearch.plugins.Plugin.class),
                Class.forName("org.opensearch.ingest.common.IngestCommonPlugin").asSubclass(org.opensearch.plugins.Plugin.class)),
            false);
    }

    public static void main(String[] arguments) throws Exception {
        System.setProperty("opensearch.path.home", arguments[0]);
        new OpenSearchNode(Settings.builder()
            .put("path.home", arguments[0])
            .put("cluster.name", "one")
            .put("node.name", "one")
            .put("http.port", arguments[1])
            .put("transport.port", "0")
            .put("network.host", "127.0.0.1")
            .put("discovery.type", "single-node")
            .put("transport.type", "netty4")
            .put("http.type", "netty4")
            .build()).start();
        Thread.sleep(Long.MAX_VALUE);
    }
}
