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

// groupRates sets p.scales, in the order in which parameters first have them.
func (p *Plan) groupRates() error {
	for _, d := range p.trainable {
		s := p.scale(d.Name)
		if !(s > 0) || math.IsInf(s, 1) {
			return fmt.Errorf("train: the learning rate of %s is multiplied by %g, wanted a number above 0; freeze what is not to move", d.Name, s)
		}
		if !slices.Contains(p.scales, s) {
			p.scales = append(p.scales, s)
		}
	}
	return nil
}
