/* A packet sniffer that writes each call into a capture file of its own, as pcapsipdump does, and does nothing else.
 *
 * Packets come from a TPACKET_V3 ring; a call is two UDP ports next to each other, step apart, counted from --port.
 * Every file has its own buffer; a full one is written with one call. Ends with SIGTERM, and prints one JSON object:
 * packets stored, packets that the kernel dropped.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BLOCK_BYTES = 1 << 19, BLOCKS = 384, BUFFER_BYTES = 1 << 16, RECORD_BYTES = 16, FRAME_MAX = 2048, WAIT_MS = 20 };

struct call {
    int file;
    unsigned filled;
    uint8_t *buffer;
};

static volatile sig_atomic_t is_over;

static void stop(int number) {
    (void)number;
    is_over = 1;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void flush(struct call *call) {
    for (unsigned done = 0; done < call->filled;) {
        ssize_t written = write(call->file, call->buffer + done, call->filled - done);
        if (written < 0) fail("write");
        done += (unsigned)written;
    }
    call->filled = 0;
}

static struct call *open_calls(const char *folder, unsigned count) {
    static const uint32_t header[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1};
    struct rlimit files = {count + 64, count + 64};
    if (setrlimit(RLIMIT_NOFILE, &files)) fail("setrlimit");
    struct call *calls = calloc(count, sizeof *calls);
    if (!calls) fail("calloc");
    for (unsigned number = 0; number < count; number++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%u.pcap", folder, number);
        calls[number].file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        calls[number].buffer = malloc(BUFFER_BYTES);
        if (calls[number].file < 0 || !calls[number].buffer) fail(path);
        memcpy(calls[number].buffer, header, sizeof header);
        calls[number].filled = sizeof header;
    }
    return calls;
}

static int open_ring(const char *interface, uint8_t **ring) {
    int version = TPACKET_V3, on = 1, listener = socket(AF_PACKET, SOCK_RAW, 0);
    struct tpacket_req3 request = {.tp_block_size = BLOCK_BYTES, .tp_block_nr = BLOCKS, .tp_frame_size = FRAME_MAX,
                                   .tp_frame_nr = BLOCK_BYTES / FRAME_MAX * BLOCKS, .tp_retire_blk_tov = WAIT_MS};
    if (listener < 0) fail("socket");
    if (setsockopt(listener, SOL_PACKET, PACKET_VERSION, &version, sizeof version)) fail("version");
    setsockopt(listener, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    if (setsockopt(listener, SOL_PACKET, PACKET_RX_RING, &request, sizeof request)) fail("ring");
    *ring = mmap(0, (size_t)BLOCK_BYTES * BLOCKS, PROT_READ | PROT_WRITE, MAP_SHARED, listener, 0);
    if (*ring == MAP_FAILED) fail("mmap");
    struct sockaddr_ll place = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
                                .sll_ifindex = (int)if_nametoindex(interface)};
    if (bind(listener, (struct sockaddr *)&place, sizeof place)) fail("bind");
    return listener;
}

static void store(struct call *call, const struct tpacket3_hdr *packet, const uint8_t *frame) {
    uint32_t head[4] = {packet->tp_sec, packet->tp_nsec / 1000, packet->tp_snaplen, packet->tp_len};
    if (call->filled + RECORD_BYTES + packet->tp_snaplen > BUFFER_BYTES) flush(call);
    memcpy(call->buffer + call->filled, head, RECORD_BYTES);
    memcpy(call->buffer + call->filled + RECORD_BYTES, frame, packet->tp_snaplen);
    call->filled += RECORD_BYTES + packet->tp_snaplen;
}

/* The call of an IPv4 UDP frame, its number or count if there is none. */
static unsigned find_call(const uint8_t *frame, unsigned size, unsigned port, unsigned step, unsigned count) {
    if (size < 42 || frame[12] != 8 || frame[13] || frame[14] != 0x45 || frame[23] != IPPROTO_UDP) return count;
    unsigned target = (unsigned)(frame[36] << 8 | frame[37]);
    unsigned number = (target - port) / (2 * step);
    return target < port || number >= count ? count : number;
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"interface", 1, 0, 'i'}, {"folder", 1, 0, 'f'}, {"calls", 1, 0, 'c'},
                                            {"port", 1, 0, 'p'},      {"step", 1, 0, 's'},   {0, 0, 0, 0}};
    const char *interface = "", *folder = ".";
    unsigned count = 1, port = 20000, step = 2;
    for (int option; (option = getopt_long(argc, argv, "", options, 0)) != -1;) switch (option) {
        case 'i': interface = optarg; break;
        case 'f': folder = optarg; break;
        case 'c': count = (unsigned)atoi(optarg); break;
        case 'p': port = (unsigned)atoi(optarg); break;
        case 's': step = (unsigned)atoi(optarg); break;
        default: exit(2);
    }
    uint8_t *ring;
    struct call *calls = open_calls(folder, count);
    int listener = open_ring(interface, &ring);
    long stored = 0;
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, 0);
    puts("{\"ready\": true}");
    fflush(stdout);
    for (unsigned at = 0; !is_over;) {
        struct tpacket_block_desc *block = (void *)(ring + (size_t)at * BLOCK_BYTES);
        if (!(__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) {
            struct pollfd waiting = {.fd = listener, .events = POLLIN};
            poll(&waiting, 1, WAIT_MS);
            continue;
        }
        uint8_t *place = (uint8_t *)block + block->hdr.bh1.offset_to_first_pkt;
        for (uint32_t left = block->hdr.bh1.num_pkts; left; left--) {
            struct tpacket3_hdr *packet = (void *)place;
            const uint8_t *frame = place + packet->tp_mac;
            unsigned number = find_call(frame, packet->tp_snaplen, port, step, count);
            if (number < count) {
                store(&calls[number], packet, frame);
                stored++;
            }
            place += packet->tp_next_offset;
        }
        __atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
        at = (at + 1) % BLOCKS;
    }
    for (unsigned number = 0; number < count; number++) flush(&calls[number]);
    struct tpacket_stats_v3 counted = {0};
    socklen_t size = sizeof counted;
    if (getsockopt(listener, SOL_PACKET, PACKET_STATISTICS, &counted, &size)) fail("statistics");
    printf("{\"stored\": %ld, \"dropped\": %u}\n", stored, counted.tp_drops);
    return 0;
}
