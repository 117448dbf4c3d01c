// Metrics of a whole pass: precision, recall, F1, AUC, R2. The device counts; the host makes the figure at the end.
#ifndef GS_TRAIN_COUNTS_H
#define GS_TRAIN_COUNTS_H

#include "train/session.h"

// Before a pass, with nothing in flight.
gs_status gs__counts_reset(gs__session *session);
// Words that metric `i` has on the device, in session->graph.counts[i]; 0: none.
uint64_t gs__counts_count(const gs__session *session, uint32_t i);
// After it: fills in what gs__sums_result left NaN.
gs_status gs__counts_finish(gs__session *session, gs_result *result);
// The confusion matrix of the pass: (classes, classes), rows are targets.
gs_status gs__counts_confusion(gs__session *session, uint64_t *matrix, uint32_t classes);

#endif
