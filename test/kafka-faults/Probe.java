import java.io.BufferedWriter;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.StringJoiner;
import java.util.concurrent.ExecutionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Kafka as its own client sees it, so that what the fault test says rests on no code of Millrace.
 *
 * <pre>
 * Probe create BROKERS PARTITIONS TOPIC…  makes topics
 * Probe watch BROKERS TOPIC…              says on standard output which records can be read
 *                                         (read_committed): a line "topic partition count largest-id"
 *                                         for what each poll gave; waits for topics that are not
 *                                         there yet; ends when standard input does
 * Probe dump BROKERS FILE PATTERN         writes all records (read_committed) of the topics whose
 *                                         whole name fits to the file; form: verify/dump-file.ts.
 *                                         Ends with 3 where a transaction stays open
 * </pre>
 */
public class Probe {
  private static final long DUMP_MS_MAX = 120_000;
  private static final Pattern ID = Pattern.compile("\"id\":(\\d+)");

  public static void main(String[] args) throws Exception {
    String brokers = args[1];
    List<String> rest = Arrays.asList(args).subList(2, args.length);
    switch (args[0]) {
      case "create" -> create(brokers, Integer.parseInt(rest.get(0)), rest.subList(1, rest.size()));
      case "watch" -> watch(brokers, rest);
      case "dump" -> dump(brokers, Path.of(rest.get(0)), Pattern.compile(rest.get(1)));
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  private static void create(String brokers, int partitions, List<String> names) throws Exception {
    try (Admin admin = Admin.create(common(brokers))) {
      List<NewTopic> topics = new ArrayList<>();
      for (String name : names) {
        topics.add(new NewTopic(name, Optional.of(partitions), Optional.empty()));
      }
      admin.createTopics(topics).all().get();
    }
  }

  private static void watch(String brokers, List<String> names) throws Exception {
    Thread end = new Thread(() -> {
      try {
        while (System.in.read() >= 0) {}
      } catch (Exception ignored) {
        // Whoever started this is gone.
      }
      Runtime.getRuntime().halt(0);
    });
    end.setDaemon(true);
    end.start();
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(brokers)) {
      List<TopicPartition> assigned = new ArrayList<>();
      List<String> missing = new ArrayList<>(names);
      for (;;) {
        if (!missing.isEmpty()) {
          Map<String, List<PartitionInfo>> known;
          try {
            known = consumer.listTopics(Duration.ofSeconds(5));
          } catch (KafkaException e) {
            continue;
          }
          for (String name : names) {
            if (!missing.contains(name) || !known.containsKey(name)) continue;
            missing.remove(name);
            List<TopicPartition> added = partitionsOf(known.get(name));
            assigned.addAll(added);
            consumer.assign(assigned);
            consumer.seekToBeginning(added);
          }
        }
        if (assigned.isEmpty()) {
          Thread.sleep(200);
          continue;
        }
        ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(200));
        for (TopicPartition at : records.partitions()) {
          long largest = -1;
          for (ConsumerRecord<byte[], byte[]> record : records.records(at)) {
            largest = Math.max(largest, idOf(record.value()));
          }
          int count = records.records(at).size();
          out.println(at.topic() + "\t" + at.partition() + "\t" + count + "\t" + largest);
        }
        if (!records.isEmpty()) out.flush();
      }
    }
  }

  private static long idOf(byte[] value) {
    if (value == null) return -1;
    Matcher found = ID.matcher(new String(value, StandardCharsets.UTF_8));
    return found.find() ? Long.parseLong(found.group(1)) : -1;
  }

  private static void dump(String brokers, Path file, Pattern pattern) throws Exception {
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(brokers);
        BufferedWriter out = Files.newBufferedWriter(file)) {
      List<TopicPartition> all = new ArrayList<>();
      consumer.listTopics().forEach((name, partitions) -> {
        if (pattern.matcher(name).matches()) all.addAll(partitionsOf(partitions));
      });
      Map<TopicPartition, Long> ends = settledEnds(brokers, consumer, all);
      consumer.assign(all);
      consumer.seekToBeginning(all);
      long startedMs = System.currentTimeMillis();
      while (!isAtEnd(consumer, ends)) {
        if (System.currentTimeMillis() - startedMs > DUMP_MS_MAX) {
          throw new IllegalStateException("not read to " + ends);
        }
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
          out.write(lineOf(record));
          out.newLine();
        }
      }
    }
  }

  /** Ends that a read_committed reader can reach; waits until no transaction holds them back. */
  private static Map<TopicPartition, Long> settledEnds(
      String brokers, KafkaConsumer<byte[], byte[]> consumer, List<TopicPartition> partitions)
      throws Exception {
    long startedMs = System.currentTimeMillis();
    for (;;) {
      Map<TopicPartition, Long> stable = consumer.endOffsets(partitions);
      Map<TopicPartition, Long> written = writtenEnds(brokers, partitions);
      if (stable.equals(written)) return stable;
      if (System.currentTimeMillis() - startedMs > DUMP_MS_MAX) {
        for (TopicPartition at : partitions) {
          if (stable.get(at).equals(written.get(at))) continue;
          System.err.println(
              "a transaction holds back " + at + ": stable to " + stable.get(at) + ", written to "
                  + written.get(at));
        }
        System.exit(3);
      }
      Thread.sleep(200);
    }
  }

  private static Map<TopicPartition, Long> writtenEnds(
      String brokers, List<TopicPartition> partitions)
      throws InterruptedException, ExecutionException {
    try (Admin admin = Admin.create(common(brokers))) {
      Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
      for (TopicPartition at : partitions) asked.put(at, OffsetSpec.latest());
      Map<TopicPartition, Long> ends = new HashMap<>();
      for (Map.Entry<TopicPartition, ListOffsetsResultInfo> found :
          admin.listOffsets(asked).all().get().entrySet()) {
        ends.put(found.getKey(), found.getValue().offset());
      }
      return ends;
    }
  }

  private static boolean isAtEnd(
      KafkaConsumer<byte[], byte[]> consumer, Map<TopicPartition, Long> ends) {
    for (Map.Entry<TopicPartition, Long> end : ends.entrySet()) {
      if (consumer.position(end.getKey()) < end.getValue()) return false;
    }
    return true;
  }

  private static List<TopicPartition> partitionsOf(List<PartitionInfo> infos) {
    List<TopicPartition> partitions = new ArrayList<>();
    for (PartitionInfo info : infos) {
      partitions.add(new TopicPartition(info.topic(), info.partition()));
    }
    return partitions;
  }

  private static String lineOf(ConsumerRecord<byte[], byte[]> record) {
    StringJoiner headers = new StringJoiner("\u001f");
    for (Header header : record.headers()) headers.add(header.key() + "=" + textOf(header.value()));
    return String.join(
        "\t",
        record.topic(),
        String.valueOf(record.partition()),
        String.valueOf(record.offset()),
        String.valueOf(record.timestamp()),
        escaped(textOf(record.key())),
        escaped(textOf(record.value())),
        escaped(headers.toString()));
  }

  private static String textOf(byte[] bytes) {
    return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
  }

  private static String escaped(String text) {
    if (text == null) return "\\0";
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r");
  }

  private static KafkaConsumer<byte[], byte[]> consumer(String brokers) {
    Properties settings = common(brokers);
    settings.put("isolation.level", "read_committed");
    settings.put("enable.auto.commit", "false");
    settings.put("auto.offset.reset", "none");
    settings.put("allow.auto.create.topics", "false");
    settings.put("fetch.max.wait.ms", "100");
    settings.put("key.deserializer", ByteArrayDeserializer.class.getName());
    settings.put("value.deserializer", ByteArrayDeserializer.class.getName());
    return new KafkaConsumer<>(settings);
  }

  private static Properties common(String brokers) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", brokers);
    // A broker that is paused holds its connections: it is given up soon.
    settings.put("request.timeout.ms", "4000");
    settings.put("default.api.timeout.ms", "60000");
    settings.put("metadata.max.age.ms", "2000");
    settings.put("reconnect.backoff.max.ms", "500");
    return settings;
  }
}
