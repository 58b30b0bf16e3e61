package prom

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/compression"
)

// maxBlock is the longest time that one block of the TSDB may span, as in Prometheus's main.
const maxBlock = 31 * 24 * time.Hour

// localStorage is the TSDB with the two methods that web.LocalStorage wants beyond it.
type localStorage struct {
	*tsdb.DB
	stats *tsdb.DBStats
}

// openStorage opens, and if need be creates, the TSDB in dir and locks it. It replays the write-ahead log, so it takes as long as there is
// to replay. A directory in use by another process is an error.
func openStorage(o Options, c *config.Config, reg prometheus.Registerer) (localStorage, error) {
	stats := tsdb.NewDBStats()
	db, err := tsdb.Open(o.DataDir, o.Logger.With("component", "tsdb"), reg, tsdbOptions(c.StorageConfig.TSDBConfig), stats)
	if err != nil {
		return localStorage{}, fmt.Errorf("data directory %s: %w", o.DataDir, err)
	}
	return localStorage{DB: db, stats: stats}, nil
}

// tsdbOptions are upstream's defaults with what prometheus.yml says. All but the chunk encoding is applied again at each reload.
func tsdbOptions(c *config.TSDBConfig) *tsdb.Options {
	o := tsdb.DefaultOptions()
	o.WALCompression = compression.Snappy
	o.RetentionDuration = time.Duration(c.Retention.Time).Milliseconds()
	o.MaxBytes = int64(c.Retention.Size)
	o.MaxPercentage = c.Retention.Percentage
	o.OutOfOrderTimeWindow = c.OutOfOrderTimeWindow
	o.StaleSeriesCompactionThreshold = c.StaleSeriesCompactionThreshold
	o.MaxBlockDuration = maxBlock.Milliseconds()
	if tenth := o.RetentionDuration / 10; tenth > 0 {
		o.MaxBlockDuration = min(o.MaxBlockDuration, tenth)
	}
	if c.ChunkEncoding.Floats == config.FloatChunkEncodingXOR2 {
		o.FloatChunkEncoding = chunkenc.EncXOR2
	}
	return o
}

// Stats implements web.LocalStorage.
func (l localStorage) Stats(labelName string, limit int) (*tsdb.Stats, error) {
	return l.Head().Stats(labelName, limit), nil
}

// WALReplayStatus implements web.LocalStorage.
func (l localStorage) WALReplayStatus() (tsdb.WALReplayStatus, error) {
	return l.stats.Head.WALReplayStatus.GetWALReplayStatus(), nil
}

// BlockMetas implements web.LocalStorage; it hides the method of tsdb.DB that has no error.
func (l localStorage) BlockMetas() ([]tsdb.BlockMeta, error) {
	return l.DB.BlockMetas(), nil
}
