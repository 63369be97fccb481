/* RTP as many phones send it at once: a load for capture benchmarks and tests, bounded in time.
 *
 * Over an interface (--interface, --target-mac): whole Ethernet frames by AF_PACKET, past the queueing discipline.
 * Without one: UDP sockets, for the loopback. Each stream has a port, SSRC, sequence and timestamp of its own; its
 * octet at timestamp t is (t + 101 * stream) & 255, so a receiver can tell whether it has the right ones.
 * Prints one JSON object: packets sent, packets left out as lost, seconds, packets per second, calls refused.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, HEADERS = 42, RTP_HEADER = 12, PAYLOAD_MAX = 1400, SECONDS_MAX = 120, TICK_NS = 1000000 };
enum { FRAME_MAX = HEADERS + RTP_HEADER + PAYLOAD_MAX };

struct plan {
    const char *interface;
    uint8_t target_mac[6], source_mac[6];
    struct in_addr target, source;
    unsigned port, step, streams, payload, odd_payload, loss_ppm;
    double rate, seconds;
};

struct stream {
    uint16_t sequence;
    uint32_t timestamp;
};

struct batch {
    uint8_t bytes[BATCH][FRAME_MAX];
    struct iovec parts[BATCH];
    struct sockaddr_in targets[BATCH];
    struct mmsghdr messages[BATCH];
    unsigned count;
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void usage(void) {
    fprintf(stderr, "usage: traffic [--interface NAME --target-mac MAC] [--target IP] [--source IP] [--port N] [--step N]\n"
                    "  [--streams N] [--rate PACKETS/S] [--seconds S] [--payload BYTES] [--odd-payload BYTES] [--loss PPM]\n");
    exit(2);
}

static void read_mac(const char *text, uint8_t mac[6]) {
    if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 6) usage();
}

static struct plan read_plan(int count, char **words) {
    static const struct option options[] = {
        {"interface", 1, 0, 'i'}, {"target-mac", 1, 0, 'm'}, {"source-mac", 1, 0, 'M'}, {"target", 1, 0, 't'},
        {"source", 1, 0, 's'},    {"port", 1, 0, 'p'},       {"step", 1, 0, 'S'},       {"streams", 1, 0, 'n'},
        {"rate", 1, 0, 'r'},      {"seconds", 1, 0, 'd'},    {"payload", 1, 0, 'l'},    {"odd-payload", 1, 0, 'o'},
        {"loss", 1, 0, 'L'},      {0, 0, 0, 0}};
    struct plan plan = {.port = 20000, .step = 2, .streams = 100, .payload = 160, .rate = 5000, .seconds = 1};
    inet_aton("127.0.0.1", &plan.target);
    inet_aton("198.51.100.1", &plan.source);
    for (int option; (option = getopt_long(count, words, "", options, 0)) != -1;) switch (option) {
        case 'i': plan.interface = optarg; break;
        case 'm': read_mac(optarg, plan.target_mac); break;
        case 'M': read_mac(optarg, plan.source_mac); break;
        case 't': if (!inet_aton(optarg, &plan.target)) usage(); break;
        case 's': if (!inet_aton(optarg, &plan.source)) usage(); break;
        case 'p': plan.port = (unsigned)atoi(optarg); break;
        case 'S': plan.step = (unsigned)atoi(optarg); break;
        case 'n': plan.streams = (unsigned)atoi(optarg); break;
        case 'r': plan.rate = atof(optarg); break;
        case 'd': plan.seconds = atof(optarg); break;
        case 'l': plan.payload = (unsigned)atoi(optarg); break;
        case 'o': plan.odd_payload = (unsigned)atoi(optarg); break;
        case 'L': plan.loss_ppm = (unsigned)atoi(optarg); break;
        default: usage();
    }
    if (!plan.odd_payload) plan.odd_payload = plan.payload;
    if (!plan.streams || plan.port + (plan.streams - 1) * plan.step > 65535 || plan.payload > PAYLOAD_MAX ||
        plan.odd_payload > PAYLOAD_MAX || plan.rate <= 0 || plan.seconds > SECONDS_MAX)
        usage();
    return plan;
}

static int open_sender(const struct plan *plan) {
    int room = 4 << 20, on = 1;
    int sender = plan->interface ? socket(AF_PACKET, SOCK_RAW, 0) : socket(AF_INET, SOCK_DGRAM, 0);
    if (sender < 0) fail("socket");
    setsockopt(sender, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    if (!plan->interface) return sender;
    setsockopt(sender, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
    struct sockaddr_ll place = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(plan->interface)};
    if (bind(sender, (struct sockaddr *)&place, sizeof place)) fail("bind");
    return sender;
}

static void store16(uint8_t *place, unsigned value) {
    place[0] = (uint8_t)(value >> 8);
    place[1] = (uint8_t)value;
}

static void store32(uint8_t *place, uint32_t value) {
    store16(place, value >> 16);
    store16(place + 2, value & 0xffff);
}

static struct batch *make_batch(const struct plan *plan) {
    struct batch *batch = calloc(1, sizeof *batch);
    if (!batch) fail("calloc");
    for (unsigned row = 0; row < BATCH; row++) {
        uint8_t *frame = batch->bytes[row];
        struct msghdr *message = &batch->messages[row].msg_hdr;
        batch->parts[row].iov_base = plan->interface ? frame : frame + HEADERS;
        message->msg_iov = &batch->parts[row];
        message->msg_iovlen = 1;
        memcpy(frame, plan->target_mac, 6);
        memcpy(frame + 6, plan->source_mac, 6);
        store16(frame + 12, ETHERTYPE_IP);
        frame[14] = 0x45;
        frame[22] = 64;
        frame[23] = IPPROTO_UDP;
        memcpy(frame + 26, &plan->source, 4);
        memcpy(frame + 30, &plan->target, 4);
        frame[HEADERS] = 0x80;
        if (plan->interface) continue;
        batch->targets[row].sin_family = AF_INET;
        batch->targets[row].sin_addr = plan->target;
        message->msg_name = &batch->targets[row];
        message->msg_namelen = sizeof batch->targets[row];
    }
    return batch;
}

static void add_checksum(uint8_t *header) {
    uint32_t sum = 0;
    store16(header + 10, 0);
    for (int at = 0; at < 20; at += 2) sum += (uint32_t)(header[at] << 8 | header[at + 1]);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    store16(header + 10, ~sum & 0xffff);
}

static void add_packet(struct batch *batch, const struct plan *plan, unsigned number, const struct stream *stream,
                       const uint8_t *octets) {
    unsigned row = batch->count++, size = RTP_HEADER + (number % 2 ? plan->odd_payload : plan->payload);
    unsigned port = plan->port + number * plan->step;
    uint8_t *frame = batch->bytes[row], *rtp = frame + HEADERS;
    batch->parts[row].iov_len = size + (plan->interface ? HEADERS : 0);
    store16(rtp + 2, stream->sequence);
    store32(rtp + 4, stream->timestamp);
    store32(rtp + 8, 0x10000000u + number);
    memcpy(rtp + RTP_HEADER, octets + ((stream->timestamp + 101 * number) & 255), size - RTP_HEADER);
    if (plan->interface) {
        store16(frame + 16, size + 28);
        store16(frame + 34, 10000 + number % 50000);
        store16(frame + 36, port);
        store16(frame + 38, size + 8);
        add_checksum(frame + 14);
    } else {
        batch->targets[row].sin_port = htons((uint16_t)port);
    }
}

/* How many calls the kernel refused for the moment. */
static long send_batch(int sender, struct batch *batch) {
    long refused = 0;
    for (unsigned done = 0; done < batch->count;) {
        int sent = sendmmsg(sender, batch->messages + done, batch->count - done, 0);
        if (sent >= 0) {
            done += (unsigned)sent;
        } else if (errno == ENOBUFS || errno == EAGAIN || errno == ECONNREFUSED || errno == EINTR) {
            refused++;
        } else {
            fail("sendmmsg");
        }
    }
    batch->count = 0;
    return refused;
}

int main(int count, char **words) {
    struct plan plan = read_plan(count, words);
    int sender = open_sender(&plan);
    struct batch *batch = make_batch(&plan);
    struct stream *streams = calloc(plan.streams, sizeof *streams);
    uint8_t octets[256 + PAYLOAD_MAX];
    if (!streams) fail("calloc");
    for (unsigned at = 0; at < sizeof octets; at++) octets[at] = (uint8_t)at;
    for (unsigned number = 0; number < plan.streams; number++)
        streams[number] = (struct stream){.sequence = (uint16_t)(number * 7), .timestamp = number * 1000003u};
    uint32_t chance = 12345;
    long due = (long)(plan.rate * plan.seconds + 0.5), made = 0, lost = 0, refused = 0;
    unsigned number = 0;
    double began = now(), give_up = began + plan.seconds * 4 + 1;
    while (made < due && now() < give_up) {
        long wanted = (long)((now() - began) * plan.rate) + 1;
        if (wanted > due) wanted = due;
        for (; made < wanted; made++) {
            struct stream *stream = &streams[number];
            chance = chance * 1664525u + 1013904223u;
            if ((chance >> 8) % 1000000 < plan.loss_ppm) lost++;
            else add_packet(batch, &plan, number, stream, octets);
            stream->sequence++;
            stream->timestamp += number % 2 ? plan.odd_payload : plan.payload;
            number = (number + 1) % plan.streams;
            if (batch->count == BATCH) refused += send_batch(sender, batch);
        }
        refused += send_batch(sender, batch);
        struct timespec tick = {.tv_nsec = TICK_NS};
        nanosleep(&tick, 0);
    }
    double seconds = now() - began;
    printf("{\"sent\": %ld, \"lost\": %ld, \"seconds\": %.3f, \"pps\": %.0f, \"refused\": %ld}\n", made - lost, lost, seconds,
           (double)(made - lost) / seconds, refused);
    free(streams);
    free(batch);
    return 0;
}
