package train

import (
	"fmt"
	"math"
	"slices"
)

// hyperName is the input of a group's hyperparameters.
func hyperName(group int) string {
	if group == 0 {
		return "hyper"
	}
	return fmt.Sprintf("hyper.%d", group)
}

// scale returns the multiplier of a parameter's learning rate.
func (p *Plan) scale(name string) float64 {
	if p.opt.LRScale == nil {
		return 1
	}
	return p.opt.LRScale(name)
}

// rate is what makes the hyperparameters of parameters differ.
type rate struct {
	scale float64 // of the learning rate
	stage int     // in which they begin to train
}

func (p *Plan) rate(name string) rate { return rate{p.scale(name), p.stageAt(p.begin(name))} }

// groupRates sets p.rates, in the order in which parameters first have them.
func (p *Plan) groupRates() error {
	for _, d := range p.trainable {
		r := p.rate(d.Name)
		if !(r.scale > 0) || math.IsInf(r.scale, 1) {
			return fmt.Errorf("train: the learning rate of %s is multiplied by %g, wanted a number above 0; freeze what is not to move", d.Name, r.scale)
		}
		if !slices.Contains(p.rates, r) {
			p.rates = append(p.rates, r)
		}
	}
	return nil
}
