#include "model/fuse.h"

#include "op/attr.h"
#include "plan/gradients.h"
#include "plan/plan.h"
#include <string.h>

struct readers {
    const gs__graph *graph;
    gs__value of;
    uint32_t count;
};

static void count_reader(void *user, gs__value value, bool is_write) {
    struct readers *r = user;
    if (!is_write && gs__graph_owner(r->graph, value) == r->of) r->count++;
}

static uint32_t reader_count(const gs__graph *graph, gs__value value) {
    struct readers r = {graph, value, 0};
    for (uint32_t i = 0; i < graph->node_count; i++) gs__node_visit(&graph->nodes[i], count_reader, &r);
    return r.count;
}

static bool is_op(const gs__node *node, gs__pass pass, const char *name) {
    return node->pass == pass && strcmp(node->op->name, name) == 0;
}

// The node of that op and pass that makes (forward) or takes (backward) the value; NULL when there is none.
static gs__node *find(gs__graph *graph, gs__pass pass, const char *op, gs__value value) {
    for (uint32_t i = 0; i < graph->node_count; i++) {
        gs__node *node = &graph->nodes[i];
        if (is_op(node, pass, op) && (pass == GS__FORWARD ? node->y[0] : node->dy[0]) == value) return node;
    }
    return NULL;
}

static void drop(gs__graph *graph, const gs__node *node) {
    const uint32_t index = (uint32_t)(node - graph->nodes);
    graph->node_count--;
    memmove(&graph->nodes[index], &graph->nodes[index + 1], (graph->node_count - index) * sizeof *node);
}

static void fuse_head(gs__graph *graph, const gs_op *op, uint32_t index) {
    gs__node *loss = &graph->nodes[index];
    const gs__value logits = loss->x[0];
    const gs__value_info *info = &graph->values[logits];
    const gs__sparse_crossentropy_attr *attr = gs__node_attr(loss, gs__sparse_crossentropy_attr);
    gs__node *product = find(graph, GS__FORWARD, "matmul", logits);
    if (attr->from_probabilities || attr->smoothing > 0.0f || attr->ignores || !product ||
        !gs__epilogue_empty(&product->epilogue))
        return;
    if (info->pinned || info->shape.rank != 2 || info->shape.dim[1] > GS__HEAD_MAX_CLASSES ||
        graph->values[product->x[0]].shape.rank != 2 || reader_count(graph, logits) != 1)
        return;
    gs__node *backward = loss->dx[0] ? find(graph, GS__BACKWARD, "matmul", loss->dx[0]) : NULL;
    if (loss->dx[0] && (!backward || reader_count(graph, loss->dx[0]) != 1)) return;

    gs__node head = {.op = op, .pass = GS__FORWARD, .layer = product->layer, .precision = product->precision};
    const gs__dense_crossentropy_attr head_attr = {.accuracy = attr->accuracy, .gradient = loss->dx[0] != 0};
    memcpy(head.attr.bytes, &head_attr, sizeof head_attr);
    memcpy(head.x, product->x, 3 * sizeof *head.x);
    head.x[3] = loss->x[1];
    head.y[0] = loss->y[0];
    head.y[1] = loss->y[1];
    head.y[2] = loss->dx[0];
    if (backward) {
        head.dx[0] = backward->dx[0];
        head.epilogue = backward->epilogue;
        head.epilogue_y = backward->epilogue_y;
        backward->dx[0] = 0;
        backward->epilogue = (gs__epilogue){0};
        backward->epilogue_y = 0;
    }
    *loss = head;
    drop(graph, product); // nothing reads it, so gs__graph_prune would too
}

gs_status gs__graph_fuse_heads(gs__graph *graph) {
    const gs_op *op = gs__op_find("dense_crossentropy");
    if (!op) return gs__fail(graph->error, GS_ERR_INTERNAL, "there is no op \"dense_crossentropy\"");
    for (uint32_t i = graph->node_count; i-- > 0;)
        if (i < graph->node_count && is_op(&graph->nodes[i], GS__FORWARD, "sparse_crossentropy"))
            fuse_head(graph, op, i);
    return GS_OK;
}

// --- gradients of parameters -----------------------------------------------------------------------------------------
#define MAX_GROUPED_DY_BYTES (32u << 20)

static uint64_t bytes_of(const gs__graph *graph, gs__value value) {
    return gs__graph_count(graph, value) * sizeof(float);
}

// Nothing but the optimizer reads the gradients, and the factors are the arena's.
static bool can_move(const gs__graph *graph, const gs__node *node) {
    if (!is_op(node, GS__BACKWARD, "matmul") || !node->dx[1]) return false;
    return graph->values[node->dx[1]].storage == GS__STORAGE_GRADIENT &&
           (!node->dx[2] || graph->values[node->dx[2]].storage == GS__STORAGE_GRADIENT) &&
           graph->values[node->x[0]].storage == GS__STORAGE_ACTIVATION &&
           graph->values[node->dy[0]].storage == GS__STORAGE_ACTIVATION;
}

static uint64_t rows_of(const gs__graph *graph, const gs__node *node) {
    const gs_shape *dy = &graph->values[node->dy[0]].shape;
    return bytes_of(graph, node->dy[0]) / sizeof(float) / (uint64_t)dy->dim[dy->rank - 1];
}

// Moves the gradients of node `index` into the group.
static void move(gs__graph *graph, uint32_t index, gs__node *group) {
    gs__node *node = &graph->nodes[index];
    gs__matmul_gradients_attr attr = *gs__node_attr(group, gs__matmul_gradients_attr);
    const uint32_t i = attr.count++;
    group->x[2 * i] = node->x[0];
    group->x[2 * i + 1] = node->dy[0];
    group->y[2 * i] = node->dx[1];
    group->y[2 * i + 1] = node->dx[2];
    if (!node->dx[2]) attr.no_bias |= 1u << i;
    memcpy(group->attr.bytes, &attr, sizeof attr);
    node->dx[1] = node->dx[2] = 0; // gs__graph_prune drops the node when it made nothing else
}

gs_status gs__graph_group_gradients(gs__graph *graph) {
    const gs_op *op = gs__op_find("matmul_gradients");
    if (!op) return gs__fail(graph->error, GS_ERR_INTERNAL, "there is no op \"matmul_gradients\"");
    const uint32_t node_count = graph->node_count;
    uint64_t dy_bytes = 0, rows = 0;
    gs_precision precision = GS_PRECISION_DEFAULT;
    uint32_t movable = 0;
    for (uint32_t i = 0; i < node_count; i++) {
        if (!can_move(graph, &graph->nodes[i])) continue;
        if (!movable++) {
            rows = rows_of(graph, &graph->nodes[i]);
            precision = graph->nodes[i].precision;
        }
        if (rows_of(graph, &graph->nodes[i]) != rows || graph->nodes[i].precision != precision) return GS_OK;
        dy_bytes += bytes_of(graph, graph->nodes[i].dy[0]);
    }
    if (movable < 2 || dy_bytes > MAX_GROUPED_DY_BYTES) return GS_OK;
    gs__node group = {.op = op, .pass = GS__FORWARD, .precision = precision};
    for (uint32_t i = 0; i < node_count; i++) {
        if (!can_move(graph, &graph->nodes[i])) continue;
        move(graph, i, &group);
        movable--;
        if (movable && gs__node_attr(&group, gs__matmul_gradients_attr)->count < GS__GRADIENTS_MAX) continue;
        gs_status status = gs__graph_append(graph, &group);
        if (status != GS_OK) return status;
        group = (gs__node){.op = op, .pass = GS__FORWARD, .precision = precision};
    }
    return GS_OK;
}

// --- gradients and update ---------------------------------------------------------------------------------------------
struct touches {
    const gs__graph *graph;
    bool gradients;
};

static void touch(void *user, gs__value value, bool is_write) {
    (void)is_write;
    struct touches *t = user;
    t->gradients |= t->graph->values[gs__graph_owner(t->graph, value)].storage == GS__STORAGE_GRADIENT;
}

// Bytes of the parameters, padding included, whose gradients the groups make; 0 where any other node but `update`
// touches a gradient.
static uint64_t grouped_bytes(gs__graph *graph, const gs__node *update) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        gs__node *node = &graph->nodes[i];
        struct touches touches = {graph, false};
        if (node == update) continue;
        if (!is_op(node, GS__FORWARD, "matmul_gradients")) {
            gs__node_visit(node, touch, &touches);
            if (touches.gradients) return 0;
            continue;
        }
        for (uint32_t y = 0; y < GS__MAX_OUTPUTS; y++)
            if (node->y[y])
                bytes +=
                    (bytes_of(graph, node->y[y]) + GS__PARAMETER_ALIGN - 1) / GS__PARAMETER_ALIGN * GS__PARAMETER_ALIGN;
    }
    return bytes;
}

// Whether one binding can hold so many bytes, as texels too. A window may begin, and end, a little outside of them.
static bool fits_binding(uint64_t bytes, const gs__gpu_caps *caps) {
    const uint64_t slack = 2 * (uint64_t)caps->offset_align;
    return bytes + slack <= (uint64_t)caps->max_texel_elements * 16 && bytes + slack <= caps->max_storage_range;
}

// Whether each binding of matmul_adam, a storage whole, is within the device's limits.
static bool takes_update(gs__graph *graph, const gs__gpu_caps *caps) {
    uint64_t activations = 0;
    return gs__plan_activation_bytes(graph, &activations) == GS_OK && fits_binding(activations, caps) &&
           fits_binding(graph->storage_bytes[GS__STORAGE_SLOTS], caps); // twice the parameters
}

// The update of pairs first .. first + count - 1 of a group.
static gs__node update_of(const gs__graph *graph, const gs__node *group, uint32_t first, uint32_t count,
                          const gs__node *adam) {
    gs__node node = {.op = gs__op_find("matmul_adam"), .pass = GS__FORWARD};
    gs__matmul_adam_attr attr = {.count = (uint16_t)count,
                                 .paper_epsilon = (uint16_t)gs__node_attr(adam, gs__adam_attr)->paper_epsilon};
    for (uint32_t i = 0; i < count; i++) {
        const gs__value *pair = &group->x[2 * (first + i)], *made = &group->y[2 * (first + i)];
        node.x[2 * i] = pair[0];
        node.x[2 * i + 1] = pair[1];
        attr.kernel[i] = (uint32_t)(graph->values[made[0]].offset / sizeof(float));
        attr.bias[i] = made[1] ? (uint32_t)(graph->values[made[1]].offset / sizeof(float)) : GS__NO_SUMS;
    }
    node.x[GS__ADAM_PARAMETERS] = adam->x[0];
    node.x[GS__ADAM_SLOTS] = adam->x[2];
    node.y[0] = adam->y[0];
    node.y[1] = adam->y[1];
    memcpy(node.attr.bytes, &attr, sizeof attr);
    return node;
}

// On CPU drivers, matmul_gradients and the op adam that reads their results become nodes of matmul_adam, where these are
// the gradients of all parameters and nothing else touches them.
static gs_status fuse_update(gs__graph *graph, const gs__gpu_caps *caps) {
    if (!graph->node_count || caps->kernel_class != GS__KERNELS_CPU) return GS_OK;
    const gs__node adam = graph->nodes[graph->node_count - 1];
    if (!is_op(&adam, GS__FORWARD, "adam") || gs__node_attr(&adam, gs__adam_attr)->tick.accumulates ||
        !takes_update(graph, caps) ||
        grouped_bytes(graph, &graph->nodes[graph->node_count - 1]) != graph->storage_bytes[GS__STORAGE_PARAMETER])
        return GS_OK;
    graph->node_count--;
    const uint32_t node_count = graph->node_count;
    for (uint32_t i = 0; i < node_count; i++) {
        const gs__node group = graph->nodes[i];
        if (!is_op(&group, GS__FORWARD, "matmul_gradients")) continue;
        const uint32_t pairs = gs__node_attr(&group, gs__matmul_gradients_attr)->count;
        for (uint32_t first = 0; first < pairs; first += GS__ADAM_MAX) {
            const uint32_t left = pairs - first, count = left < GS__ADAM_MAX ? left : GS__ADAM_MAX;
            const gs__node node = update_of(graph, &group, first, count, &adam);
            gs_status status = gs__graph_append(graph, &node);
            if (status != GS_OK) return status;
        }
    }
    // What is left of the groups makes nothing.
    uint32_t kept = 0;
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (!is_op(&graph->nodes[i], GS__FORWARD, "matmul_gradients")) graph->nodes[kept++] = graph->nodes[i];
    graph->node_count = kept;
    gs__node *last = &graph->nodes[kept - 1];
    gs__matmul_adam_attr attr = *gs__node_attr(last, gs__matmul_adam_attr);
    attr.tick = gs__node_attr(&adam, gs__adam_attr)->tick;
    memcpy(last->attr.bytes, &attr, sizeof attr);
    graph->storage_bytes[GS__STORAGE_GRADIENT] = 0;
    return GS_OK;
}

// --- gather and the first product -------------------------------------------------------------------------------------
// Rows of bytes that are whole texels, in a data set that one binding can hold.
static bool takes_product(const gs__graph *graph, const gs__node *gather, const gs__gpu_caps *caps) {
    const gs__value_info *samples = &graph->values[gather->x[0]];
    const uint64_t row = bytes_of(graph, gather->y[0]) / sizeof(float) / graph->batch;
    const uint64_t data = graph->storage_bytes[GS__STORAGE_SAMPLES] + graph->storage_bytes[GS__STORAGE_TARGETS];
    return samples->dtype == GS_U8 && row % 16 == 0 && fits_binding(data, caps) &&
           fits_binding(graph->storage_bytes[GS__STORAGE_PARAMETER], caps);
}

// The head behind that product, where it is the next node and takes the product's result backwards as it was made.
static void fuse_classifier(gs__graph *graph, const gs_op *op) {
    if (graph->node_count < 2 || !is_op(&graph->nodes[1], GS__FORWARD, "dense_crossentropy")) return;
    gs__node *product = &graph->nodes[0];
    const gs__node *head = &graph->nodes[1];
    const gs__gather_attr *gather = gs__node_attr(product, gs__gather_attr);
    const gs__dense_crossentropy_attr *attr = gs__node_attr(head, gs__dense_crossentropy_attr);
    const bool backwards = head->dx[0] && head->y[2];
    if (head->x[0] != product->y[0] || head->x[3] != product->y[2] || attr->gradient != backwards ||
        graph->values[product->y[0]].shape.dim[1] % 4 || graph->values[product->x[1]].dtype != GS_I32)
        return;
    if (backwards && (memcmp(&head->epilogue, &product->epilogue, sizeof head->epilogue) != 0 ||
                      (head->epilogue_y && head->epilogue_y != product->y[0])))
        return;
    gs__gather_classifier_attr both = {.gather = *gather, .epilogue = product->epilogue};
    gs__node node = {
        .op = op,
        .pass = GS__FORWARD,
        .layer = product->layer,
        .x = {product->x[0], product->x[1], product->x[2], product->x[3], head->x[1], head->x[2]},
        .y = {product->y[0], product->y[1], product->y[2], head->y[2], head->y[0], head->y[1], head->dx[0]}};
    memcpy(node.attr.bytes, &both, sizeof both);
    *product = node;
    drop(graph, head);
}

// On CPU drivers that can shuffle, gather of bytes and the product of its rows become one node, gather_matmul, and with a
// classifier's head behind them gather_classifier.
static gs_status fuse_gather(gs__graph *graph, const gs__gpu_caps *caps) {
    const gs_op *op = gs__op_find("gather_matmul"), *classifier = gs__op_find("gather_classifier");
    if (!op || !classifier) return gs__fail(graph->error, GS_ERR_INTERNAL, "the op \"gather_matmul\" is missing");
    if (caps->kernel_class != GS__KERNELS_CPU || !gs__caps_shuffle(caps)) return GS_OK;
    if (!graph->node_count || !is_op(&graph->nodes[0], GS__FORWARD, "gather")) return GS_OK;
    gs__node *gather = &graph->nodes[0], *product = NULL;
    for (uint32_t i = 1; i < graph->node_count && !product; i++)
        if (is_op(&graph->nodes[i], GS__FORWARD, "matmul") &&
            gs__graph_owner(graph, graph->nodes[i].x[0]) == gather->y[0])
            product = &graph->nodes[i];
    if (!product || graph->values[product->x[0]].shape.rank != 2 || !takes_product(graph, gather, caps)) return GS_OK;

    gs__node node = {.op = op, .pass = GS__FORWARD, .layer = product->layer, .epilogue = product->epilogue};
    gs__gather_attr attr = *gs__node_attr(gather, gs__gather_attr);
    if (attr.scale == 0.0f) attr.scale = 1.0f / 255.0f;
    memcpy(node.attr.bytes, &attr, sizeof attr);
    node.x[0] = gather->x[0];
    node.x[1] = gather->x[1];
    node.x[2] = product->x[1];
    node.x[3] = product->x[2];
    node.y[0] = product->y[0];
    node.y[1] = gather->y[0];
    node.y[2] = gather->y[1];
    *gather = node;
    drop(graph, product);
    fuse_classifier(graph, classifier);
    return GS_OK;
}

gs_status gs__graph_fuse_for(gs__graph *graph, const gs__gpu_caps *caps) {
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].precision > GS_PRECISION_FLOAT32) return GS_OK; // those ops know only float32
    gs_status status = fuse_gather(graph, caps);
    return status == GS_OK ? fuse_update(graph, caps) : status;
}
