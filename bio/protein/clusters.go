package protein

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/group"
)

// clusterKey identifies a record in a cluster table. MMseqs2 writes the
// accession of headers such as sp|P62593|BLAT_ECOLX, other tools the whole ID.
func clusterKey(id string) uint64 {
	if parts := strings.Split(id, "|"); len(parts) == 3 && (parts[0] == "sp" || parts[0] == "tr") {
		id = parts[1]
	}
	sum := sha256.Sum256([]byte(id))
	return binary.BigEndian.Uint64(sum[:])
}

// Pairs under the key of an ID are records, or lines of the table: the
// representative's key with this bit.
const tableLine = 1 << 63

// joinClusters makes the clusters of the table one set each. A sequence that
// the table lacks is an error: it would be divided as if nothing were like it,
// and the table be trusted for what it does not say.
func (p *preparation) joinClusters(ctx context.Context, sets *group.Sets) error {
	byID, err := group.NewPairs(filepath.Join(p.ws.Dir(), "members"))
	if err != nil {
		return err
	}
	defer byID.Close()
	if err := p.readClusters(ctx, byID); err != nil {
		return err
	}
	err = p.ledger.each(ctx, func(i uint32, r *row) error { return byID.Add(r.cluster, uint64(i)) })
	if err != nil {
		return err
	}
	byCluster, err := group.NewPairs(filepath.Join(p.ws.Dir(), "clusters"))
	if err != nil {
		return err
	}
	defer byCluster.Close()
	missing, first := int64(0), uint32(0)
	err = byID.Runs(ctx, 1, nil, func(run []group.Pair) error {
		records := run
		for k, e := range run {
			if e.Value&tableLine != 0 {
				records = run[:k] // they sort before the lines
				break
			}
		}
		lines := run[len(records):]
		if len(records) == 0 {
			p.summary.UnusedClusterLines += int64(len(lines))
		}
		for _, e := range records {
			i := uint32(e.Value)
			if !kept(p.states[i]) {
				continue
			}
			if len(lines) == 0 {
				if missing == 0 || i < first {
					first = i
				}
				missing++
			}
			for _, l := range lines {
				// mix, because the bit of a table line is lost
				if err := byCluster.Add(mix(l.Value), uint64(i)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if missing > 0 {
		return &sequence.Error{File: p.opts.Grouping.Clusters,
			What:   fmt.Sprintf("%d of %d sequences are no members of any cluster, the first is %s", missing, p.keptCount(), p.recordName(first)),
			Remedy: "cluster the same sequences, or leave the table out to group near duplicates"}
	}
	return byCluster.Runs(ctx, 1, nil, func(run []group.Pair) error {
		for _, e := range run[1:] {
			sets.Join(uint32(run[0].Value), uint32(e.Value))
		}
		return nil
	})
}

func (p *preparation) keptCount() int64 {
	n := int64(0)
	for _, s := range p.states {
		if kept(s) {
			n++
		}
	}
	return n
}

// readClusters adds the lines of the table.
func (p *preparation) readClusters(ctx context.Context, byID *group.Pairs) error {
	path := p.opts.Grouping.Clusters
	f, err := sequence.OpenText(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	number := 0
	for lines.Scan() {
		if number++; number%(1<<16) == 0 {
			p.progress("reading clusters", int64(number), 0)
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		line := bytes.TrimRight(lines.Bytes(), "\r")
		if len(line) == 0 {
			continue
		}
		representative, member, ok := strings.Cut(string(line), "\t")
		if !ok || representative == "" || member == "" || strings.Contains(member, "\t") {
			return &sequence.Error{File: path, Line: number, What: fmt.Sprintf("%.60q is not two columns with a tab between", line),
				Remedy: "give the table of mmseqs easy-cluster or createtsv: representative and member"}
		}
		if err := byID.Add(clusterKey(member), clusterKey(representative)|tableLine); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return &sequence.Error{File: path, Line: number + 1, What: err.Error(), Remedy: "give the table of mmseqs easy-cluster or createtsv", Err: err}
	}
	return nil
}
